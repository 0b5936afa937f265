import { t } from '../../../i18n.js';
import { svg } from '../../dom.js';
import { EVERY } from './sections.js';
import { splineThrough } from './curve.js';

/** The arch on the axial image, with handles to bend it, and on the panorama a line where the section stands. */
export class ArchLines {
  /**
   * @param {import('../../panes.js').Panes} panes
   * @param {import('./session.js').ArchSession} session
   */
  constructor(panes, session) {
    Object.assign(this, { panes, session, stopping: new AbortController() });
    [this.axial, this.flat, this.across] = panes.all;
    const { signal } = this.stopping;
    this.curve = svg('svg', { class: 'arch-lines', role: 'group', 'aria-label': t('Dental arch') });
    this.mark = svg('svg', { class: 'arch-lines', 'aria-hidden': 'true' });
    this.axial.frame.host.after(this.curve);
    this.flat.frame.host.after(this.mark);
    for (const name of ['image', 'view', 'drawn', 'layout']) panes.addEventListener(name, () => this.draw(), { signal });
    this.flat.frame.host.addEventListener('click', (event) => this.#point(event), { signal });
    this.draw();
  }

  remove() {
    this.stopping.abort();
    this.curve.remove();
    this.mark.remove();
  }

  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      if (this.stopping.signal.aborted) return;
      this.#drawCurve(this.held?.handles ?? this.session.handles);
      this.#drawMark();
    });
  }

  #drawCurve(handles) {
    if (!this.axial.volume || !this.axial.stack.isShown) return;
    const { space } = this.session;
    const { viewport, index } = this.axial.stack;
    const onScreen = ([u, v]) => viewport.worldToCanvas(space.point(u, v, index));
    const points = splineThrough(handles).map((point) => onScreen(point).map((part) => part.toFixed(1)).join());
    const focused = this.curve.contains(document.activeElement) ? Number(document.activeElement.dataset.at) : -1;
    if (!this.circles) {
      this.path = svg('polyline', { class: 'arch-curve' });
      this.circles = handles.map((_, at) => this.#handle(at));
      this.curve.append(this.path, ...this.circles);
    }
    this.path.setAttribute('points', points.join(' '));
    handles.forEach((handle, at) => {
      const [x, y] = onScreen(handle);
      this.circles[at].setAttribute('transform', `translate(${x} ${y})`);
    });
    if (focused >= 0) this.circles[focused].focus();
  }

  /** A target for a thumb around a small dot; arrow keys bend the curve too. */
  #handle(at) {
    const node = svg(
      'g',
      { class: 'arch-handle', tabindex: '0', role: 'button', 'data-at': at, 'aria-label': t('Point {number} of the arch; arrow keys move it', { number: at + 1 }) },
      svg('circle', { class: 'arch-target', r: 22 }),
      svg('circle', { class: 'arch-dot', r: 5 }),
    );
    node.addEventListener('pointerdown', (event) => {
      event.stopPropagation();
      node.setPointerCapture(event.pointerId);
      this.held = { at, handles: this.session.handles.map((each) => [...each]) };
    });
    node.addEventListener('pointermove', (event) => this.#drag(event));
    node.addEventListener('pointerup', () => this.#drop());
    node.addEventListener('pointercancel', () => (this.held = null));
    node.addEventListener('keydown', (event) => this.#key(event, at));
    return node;
  }

  #drag({ clientX, clientY }) {
    if (!this.held) return;
    const { left, top } = this.axial.frame.host.getBoundingClientRect();
    const world = this.axial.stack.viewport.canvasToWorld([clientX - left, clientY - top]);
    this.held.handles[this.held.at] = this.session.space.flat([...world]);
    this.draw();
  }

  #drop() {
    const { held } = this;
    this.held = null;
    if (held) this.session.bend(held.handles);
  }

  #key(event, at) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const handles = this.session.handles.map((each) => [...each]);
    handles[at] = handles[at].map((part, axis) => part + move[axis]);
    this.session.bend(handles);
  }

  #drawMark() {
    const { flat, across, session } = this;
    const usable = flat.volume && across.volume && flat.stack.isShown;
    this.mark.replaceChildren();
    if (!usable) return;
    const { viewport } = flat.stack;
    const data = viewport.getImageData();
    const column = (across.stack.index * EVERY) / session.space.axial.spacing[0];
    const ends = [0, data.dimensions[1]].map((row) => viewport.worldToCanvas(data.imageData.indexToWorld([column, row, 0])));
    const [[x1, y1], [x2, y2]] = ends;
    this.mark.append(svg('line', { class: 'reference-line', x1, y1, x2, y2 }));
  }

  /** A click on the panorama asks for the section there. */
  #point({ clientX, clientY }) {
    const { flat, across, session } = this;
    if (!flat.volume || !across.volume) return;
    const { left, top } = flat.frame.host.getBoundingClientRect();
    const { viewport } = flat.stack;
    const [column] = viewport.getImageData().imageData.worldToIndex(viewport.canvasToWorld([clientX - left, clientY - top]));
    across.goTo(Math.round((column * session.space.axial.spacing[0]) / EVERY));
  }
}
