import { svg } from './dom.js';
import { lettersOf, planeOf, referenceLine, shareFrame } from './planes.js';
import { minus, norm, unit } from './vectors.js';

/** @returns {import('./planes.js').Plane|null} where the image of a pane lies */
export function planeIn(pane) {
  return pane.hasImages && pane.stack.isShown ? planeOf(pane.stack.image) : null;
}

/** Lines where other panes cut this one, the point that the reader pointed at, and the letters of the patient's sides. */
export class PaneLines {
  /** @param {import('./panes.js').Panes} panes */
  constructor(panes) {
    Object.assign(this, { panes, shown: true, point: null, layers: new WeakMap() });
    for (const name of ['image', 'view', 'drawn', 'active', 'layout', 'closed']) {
      panes.addEventListener(name, () => this.draw());
    }
  }

  /** @param {{position: number[], frame: string}|null} point in patient space */
  mark(point) {
    this.point = point;
    this.draw();
  }

  toggle() {
    this.shown = !this.shown;
    this.draw();
  }

  /** Once per picture, however many panes have changed. */
  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      for (const pane of this.panes.all) this.#drawIn(pane);
    });
  }

  #drawIn(pane) {
    const plane = planeIn(pane);
    pane.frame.overlay.showSides(plane ? sidesOf(pane.stack) : null);
    this.#layer(pane).replaceChildren(...(plane ? [...this.#lines(pane, plane), ...this.#cross(pane, plane)] : []));
  }

  #lines(pane, plane) {
    if (!this.shown) return [];
    return this.panes.all
      .filter((other) => other !== pane && (other === this.panes.active || sameVolume(other, pane)))
      .map((other) => ({ other, source: planeIn(other) }))
      .filter(({ source }) => source)
      .map(({ other, source }) => ({ other, ends: referenceLine(plane, source) }))
      .filter(({ ends }) => ends)
      .map(({ other, ends }) => lineBetween(pane, ends, other));
  }

  #cross(pane, plane) {
    if (!this.point || !shareFrame(plane, this.point)) return [];
    const [x, y] = pane.stack.viewport.worldToCanvas(this.point.position);
    return [
      svg('path', { class: 'pointed', d: `M${x - 14} ${y}h10M${x + 4} ${y}h10M${x} ${y - 14}v10M${x} ${y + 4}v10` }),
    ];
  }

  #layer(pane) {
    if (!this.layers.has(pane)) {
      const layer = svg('svg', { class: 'pane-lines', 'aria-hidden': 'true' });
      pane.frame.host.after(layer);
      this.layers.set(pane, layer);
    }
    return this.layers.get(pane);
  }
}

const sameVolume = (a, b) => Boolean(a.volume) && a.volume === b.volume;

function lineBetween(pane, ends, other) {
  const [[x1, y1], [x2, y2]] = ends.map((end) => pane.stack.viewport.worldToCanvas(end));
  return svg('line', { class: 'reference-line', 'data-plane': other.place?.plane ?? '', x1, y1, x2, y2 });
}

/** Which sides of the patient the edges of the picture are, however it is turned. */
function sidesOf({ viewport, host }) {
  const [x, y] = [host.clientWidth / 2, host.clientHeight / 2];
  const [centre, east, south] = [[x, y], [x + 50, y], [x, y + 50]].map((at) => [...viewport.canvasToWorld(at)]);
  const across = minus(east, centre);
  const downwards = minus(south, centre);
  if (!(norm(across) > 0) || !(norm(downwards) > 0)) return null;
  const opposite = (direction) => direction.map((value) => -value);
  return {
    left: lettersOf(unit(opposite(across))),
    right: lettersOf(unit(across)),
    top: lettersOf(unit(opposite(downwards))),
    bottom: lettersOf(unit(downwards)),
  };
}
