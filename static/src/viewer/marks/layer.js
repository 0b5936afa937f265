import { svg } from '../dom.js';
import { affine, distance, distanceToSegment, insidePolygon } from './geometry.js';
import { noteOf, valueLines } from './measure.js';
import { handlesOf, isRegion, linesOf } from './shapes.js';
import { imageKey } from './store.js';

const LINE_HEIGHT = 18;
const ARROW_HEAD = 12;
const BASIS = 100; // pixels: the further apart the points, the less their rounding tells

/**
 * The marks on the image of one pane, drawn above it as SVG: sharp at any zoom, and where Cornerstone's own drawing
 * says that a pixel is, whichever way the image is turned.
 */
export class Layer {
  /**
   * @param {import('../pane.js').Pane} pane
   * @param {import('./store.js').Marks} marks
   * @param {boolean} onProcessor the processor draws pixel 0 from 0 to 1, WebGL from -0.5 to 0.5
   */
  constructor(pane, marks, onProcessor) {
    Object.assign(this, { pane, marks, half: onProcessor ? 0 : 0.5, draft: null });
    this.node = svg('svg', { class: 'marks-layer', 'aria-hidden': 'true' });
    pane.node.append(this.node);
  }

  /** @returns {{series: string, sop: string, frame: number, foreign?: boolean}|null} the image on the screen */
  get image() {
    const { stack, uid, study, viewer } = this.pane;
    if (!this.pane.hasImages || !stack.isShown) return null;
    const { sopInstanceUid, frame, imageId } = stack.image;
    if (!sopInstanceUid) return { series: '', sop: imageId, frame: 1, foreign: true };
    const image = { series: uid, sop: sopInstanceUid, frame };
    return study === viewer.study ? image : { ...image, foreign: true };
  }

  /** @returns {ReturnType<typeof affine>|null} from pixels of the image to CSS pixels of its host */
  get map() {
    if (!this.pane.stack?.isShown || !this.pane.stack.viewport.getImageData()) return null;
    const at = (x, y) => [...this.pane.stack.viewport.worldToCanvas(this.worldOf([x, y]))];
    const origin = at(0, 0);
    const unit = (point) => origin.map((value, axis) => value + (point[axis] - value) / BASIS);
    return affine(origin, unit(at(BASIS, 0)), unit(at(0, BASIS)));
  }

  /** @returns {number[]} a point of the image on the screen, as Cornerstone has it */
  worldOf([x, y]) {
    const { imageData } = this.pane.stack.viewport.getImageData();
    return [...imageData.indexToWorld([x - this.half, y - this.half, 0])];
  }

  draw() {
    const { image, map } = this;
    const shown = image && map && this.marks.visible ? this.marks.on(imageKey(image)) : [];
    const drafts = this.draft && image && imageKey(this.draft.image) === imageKey(image) ? [this.draft] : [];
    const others = shown.filter((mark) => mark.id !== this.draft?.id);
    this.node.replaceChildren(...[...others, ...drafts].map((mark) => this.#mark(mark, map)));
  }

  /**
   * What lies under a finger.
   * @param {number[]} point CSS pixels in the host
   * @param {number} reach for the mark that is selected
   * @param {number} [others] for all others
   * @returns {{mark: object, handle: number}|null} handle -1 is the whole
   */
  hit(point, reach, others = reach) {
    const { image, map } = this;
    if (!image || !map || !this.marks.visible) return null;
    const found = this.marks.on(imageKey(image)).toReversed();
    const selected = found.filter((mark) => mark.id === this.marks.selected);
    const reachOf = (mark) => (mark.id === this.marks.selected ? reach : others);
    for (const mark of [...selected, ...found]) {
      const handle = handlesOf(mark).find((at) => distance(map.apply(mark.points[at]), point) <= reachOf(mark));
      if (handle !== undefined) return { mark, handle };
    }
    const mark = found.find((each) => this.#isNear(each, map, point, reachOf(each)));
    return mark ? { mark, handle: -1 } : null;
  }

  remove() {
    this.node.remove();
  }

  #isNear(mark, map, point, reach) {
    return linesOf(mark).some(({ points, closed }) => {
      const screen = points.map(map.apply);
      if (closed) screen.push(screen[0]);
      const near = screen.some((to, at) => at > 0 && distanceToSegment(point, screen[at - 1], to) <= reach / 2);
      // A region that is selected can be taken anywhere inside.
      return near || (closed && mark.id === this.marks.selected && insidePolygon(point, screen));
    });
  }

  #mark(mark, map) {
    const selected = mark.id === this.marks.selected || mark === this.draft;
    const group = svg('g', {
      class: `mark${selected ? ' selected' : ''}`,
      'data-mark': mark.id,
      'data-kind': mark.kind,
    });
    for (const { points, closed } of linesOf(mark)) group.append(...this.#line(points.map(map.apply), closed, mark));
    if (selected || mark.kind === 'probe') group.append(...this.#handles(mark, map));
    group.append(...this.#words(mark, map));
    return group;
  }

  #line(points, closed, { kind }) {
    if (points.length < 2) return [];
    const path = `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}${closed ? 'Z' : ''}`;
    const lines = [svg('path', { class: 'mark-shade', d: path }), svg('path', { class: 'mark-line', d: path })];
    if (kind === 'arrow') lines.push(svg('path', { class: 'mark-head', d: arrowHead(points) }));
    return lines;
  }

  #handles(mark, map) {
    return handlesOf(mark).map((at) => {
      const [x, y] = map.apply(mark.points[at]);
      return svg('circle', { class: 'mark-handle', cx: x.toFixed(1), cy: y.toFixed(1), r: 6 });
    });
  }

  #words(mark, map) {
    const note = noteOf(mark, this.pane.stack.image);
    const lines = [mark.label, ...valueLines(mark), note].filter(Boolean);
    if (!lines.length) return [];
    const { clientWidth: width, clientHeight: height } = this.pane.frame.host;
    const [left, top] = this.#anchor(mark, map, lines, { width, height });
    const spans = lines.map((line, at) => {
      const span = svg('tspan', { x: left.toFixed(1), dy: at ? LINE_HEIGHT : 0 });
      span.textContent = line;
      return span;
    });
    return [svg('text', { class: 'mark-words', x: left.toFixed(1), y: top.toFixed(1) }, ...spans)];
  }

  /** Beside the rightmost point, and within the pane as long as there is room. */
  #anchor(mark, map, lines, { width, height }) {
    const points = (isRegion(mark.kind) ? linesOf(mark)[0].points : mark.points).map(map.apply);
    const outer = mark.kind === 'arrow' ? points.at(-1) : points.reduce((a, b) => (b[0] > a[0] ? b : a));
    const long = Math.max(...lines.map((line) => line.length)) * 8.5;
    const x = Math.max(6, Math.min(outer[0] + 12, width - long - 6));
    const y = Math.max(LINE_HEIGHT, Math.min(outer[1] + 5, height - LINE_HEIGHT * lines.length));
    return [x, y];
  }
}

function arrowHead([tip, tail]) {
  const angle = Math.atan2(tail[1] - tip[1], tail[0] - tip[0]);
  const wing = (turn) => {
    const [x, y] = [tip[0] + ARROW_HEAD * Math.cos(angle + turn), tip[1] + ARROW_HEAD * Math.sin(angle + turn)];
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  };
  return `M${wing(0.45)}L${tip[0].toFixed(1)} ${tip[1].toFixed(1)}L${wing(-0.45)}`;
}
