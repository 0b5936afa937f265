import { clamped, distance, ellipseBetween, rectangleBetween, thinned } from './geometry.js';
import { measured } from './measure.js';
import { dragged, isRegion, moved } from './shapes.js';
import { newId, newTrackingUid } from './store.js';

/** What can be drawn, with the strokes it takes: each is one drag, or two taps. */
const STROKES = Object.freeze({
  length: 1, angle: 2, cobb: 2, bidirectional: 1, rectangle: 1, ellipse: 1, freehand: 1, probe: 1, arrow: 1,
}); // prettier-ignore
const REACH = Object.freeze({ mouse: 9, pen: 14, touch: 24 });
const STILL = 4; // CSS pixels: less is a tap
const MOST_POINTS = 1500;

/** Drawing and changing marks in one pane, with mouse, pen or one finger. Two fingers stay Cornerstone's. */
export class Drawing {
  /**
   * @param {import('./layer.js').Layer} layer
   * @param {{tool: () => string, finished: (mark: object) => void}} desk
   */
  constructor(layer, desk) {
    Object.assign(this, { layer, desk, pane: layer.pane, marks: layer.marks, pointers: new Set() });
    const { signal } = (this.ending = new AbortController());
    const { node } = this.pane;
    const on = (name, act) => node.addEventListener(name, act, { capture: true, signal });
    on('pointerdown', (event) => this.#down(event));
    on('dblclick', (event) => this.#twice(event));
    // Cornerstone listens to these: what is ours must not also pan or zoom.
    for (const name of ['mousedown', 'touchstart']) on(name, (event) => this.#hold(event));
    window.addEventListener('pointermove', (event) => this.#move(event), { signal });
    window.addEventListener('pointerup', (event) => this.#up(event), { signal });
    window.addEventListener('pointercancel', (event) => this.#lift(event), { signal });
  }

  get isBusy() {
    return Boolean(this.stroke);
  }

  /** What is half drawn goes. */
  cancel() {
    this.stroke = null;
    this.layer.draft = null;
    this.layer.draw();
  }

  stop() {
    this.ending.abort();
    this.cancel();
    this.layer.remove();
  }

  #down(event) {
    if (!this.pane.frame.host.contains(event.target)) return;
    this.pointers.add(event.pointerId);
    if (this.pointers.size > 1) {
      this.cancel();
      this.held = false;
      return;
    }
    if (event.button !== 0 || event.ctrlKey || !this.layer.image) return;
    const at = this.#at(event);
    if (this.stroke) this.#press(at);
    else this.#begin(at, event);
    this.held = Boolean(this.stroke);
    if (this.held) event.stopPropagation();
  }

  #begin(at, event) {
    const reach = REACH[event.pointerType] ?? REACH.mouse;
    // Whoever came to draw must not pull at what is there already.
    const hit = this.layer.hit(at, reach, STROKES[this.desk.tool()] ? reach / 3 : reach);
    if (hit) this.#take(hit, at);
    else if (STROKES[this.desk.tool()]) this.#start(this.desk.tool(), at);
    else this.marks.select('');
  }

  #take({ mark, handle }, at) {
    this.marks.select(mark.id);
    this.stroke = { mode: 'edit', mark, handle, from: at, moved: false };
  }

  #start(kind, at) {
    const point = this.#pixel(at);
    const named = { id: newId(), tracking_uid: newTrackingUid(), label: '' };
    const mark = { ...named, kind, image: this.layer.image, points: [], values: [] };
    this.marks.select('');
    this.stroke = { mode: 'draw', mark, number: 0, strokes: STROKES[kind], from: at, path: [point], fixed: [] };
    this.#sketch(point);
  }

  /** Another press while a mark is being made: the rest of a stroke that began with a tap, or the next stroke. */
  #press(at) {
    const { stroke } = this;
    if (stroke.tapped) return;
    stroke.from = at;
    stroke.path = [this.#pixel(at)];
    this.#sketch(this.#pixel(at));
  }

  #move(event) {
    if (!this.stroke || (this.pointers.size && !this.pointers.has(event.pointerId))) return;
    const at = this.#at(event);
    if (this.stroke.mode === 'edit') this.#edit(at);
    else if (this.pointers.size || this.#follows()) this.#sketch(this.#pixel(at));
  }

  #up(event) {
    const was = this.pointers.delete(event.pointerId);
    if (!this.stroke || !was) return;
    const at = this.#at(event);
    if (this.stroke.mode === 'edit') this.#leave();
    else if (distance(at, this.stroke.from) < STILL && this.#canWait()) this.stroke.tapped = true;
    else this.#endStroke(this.#pixel(at));
  }

  #lift(event) {
    this.pointers.delete(event.pointerId);
    this.cancel();
  }

  /** Between presses a mouse draws on where the next point can only be the other end of what is there. */
  #follows() {
    const { tapped, number, mark } = this.stroke;
    return tapped || (mark.kind === 'angle' && number === 1);
  }

  /** A tap fixes the first end, and the next one the other. */
  #canWait() {
    const { tapped, number, mark } = this.stroke;
    const third = mark.kind === 'angle' && number === 1;
    return !tapped && !third && !['probe', 'freehand'].includes(mark.kind);
  }

  #edit(at) {
    const { stroke } = this;
    if (!stroke.moved && distance(at, stroke.from) < STILL) return;
    stroke.moved = true;
    const [from, to] = [this.#pixel(stroke.from, false), this.#pixel(at, false)];
    const shift = [to[0] - from[0], to[1] - from[1]];
    const points = stroke.handle < 0 ? this.#shifted(stroke.mark.points, shift) : this.#bent(stroke, to);
    this.#draft({ ...stroke.mark, points });
  }

  /** Moved as a whole, as far as all of it stays on the image. */
  #shifted(points, [dx, dy]) {
    const { columns, rows } = this.pane.stack.pixels;
    const room = (axis, size, by) => {
      const along = points.map((point) => point[axis]);
      return Math.min(size - Math.max(...along), Math.max(-Math.min(...along), by));
    };
    return moved(points, [room(0, columns, dx), room(1, rows, dy)]);
  }

  #bent({ mark, handle }, to) {
    const points = dragged(mark, handle, clamped(to, this.pane.stack.pixels));
    return points.every((point) => distance(point, clamped(point, this.pane.stack.pixels)) < 1e-6)
      ? points
      : (this.layer.draft?.points ?? mark.points);
  }

  #leave() {
    const { draft } = this.layer;
    const { moved: changed } = this.stroke;
    this.cancel();
    if (changed && draft) this.marks.replace(draft);
  }

  #sketch(point) {
    const { stroke } = this;
    if (stroke.mark.kind === 'freehand') stroke.path.push(point);
    this.#draft({ ...stroke.mark, points: this.#points(point) });
  }

  #points(to) {
    const { mark, path, fixed } = this.stroke;
    const [from] = path;
    if (mark.kind === 'probe') return [to];
    if (mark.kind === 'freehand') return path.length > 2 ? path : [...path, to];
    if (mark.kind === 'rectangle') return rectangleBetween(from, to);
    if (mark.kind === 'ellipse') return ellipseBetween(from, to);
    if (mark.kind === 'bidirectional') return [from, to, ...across(from, to)];
    if (mark.kind === 'angle' && fixed.length) return [...fixed, to];
    return [...fixed, from, to];
  }

  #endStroke(to) {
    const { stroke } = this;
    const points = this.#points(to);
    stroke.number += 1;
    stroke.tapped = false;
    if (stroke.number < stroke.strokes) {
      stroke.fixed = points;
      this.#draft({ ...stroke.mark, points });
      return;
    }
    const mark = this.#settled(stroke.mark, points);
    this.cancel();
    if (mark) this.desk.finished(mark);
  }

  /** The finished mark; null for one without any size. */
  #settled(mark, points) {
    if (mark.kind === 'probe') return this.#measured({ ...mark, points });
    const scale = Math.hypot(...this.layer.map.linear.slice(0, 2));
    const kept = mark.kind === 'freehand' ? thinned(points, 1 / scale, MOST_POINTS) : points;
    const size = Math.max(...[0, 1].map((axis) => spread(kept, axis)));
    if (size * scale < STILL || (mark.kind === 'freehand' && kept.length < 3)) return null;
    return this.#measured({ ...mark, points: this.#within(mark.kind, kept) });
  }

  #within(kind, points) {
    return isRegion(kind) ? points : points.map((point) => clamped(point, this.pane.stack.pixels));
  }

  #draft(mark) {
    this.layer.draft = this.#measured(mark);
    this.layer.draw();
  }

  #measured(mark) {
    const complete = mark.points.length >= LEAST[mark.kind];
    return complete ? measured(mark, this.pane.stack.image, this.pane.stack.pixels) : { ...mark, values: [] };
  }

  #twice(event) {
    const hit = this.pane.frame.host.contains(event.target) && this.layer.hit(this.#at(event), REACH.mouse);
    if (!hit) return;
    event.stopPropagation();
    this.desk.rename(hit.mark);
  }

  #hold(event) {
    if (this.held) event.stopPropagation();
    if (this.held && event.cancelable) event.preventDefault();
  }

  #at({ clientX, clientY }) {
    const { left, top } = this.pane.frame.host.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #pixel(at, inside = true) {
    const pixel = this.layer.map.invert(at);
    return inside ? clamped(pixel, this.pane.stack.pixels) : pixel;
  }
}

const LEAST = Object.freeze({
  length: 2, angle: 3, cobb: 4, bidirectional: 4, rectangle: 4, ellipse: 4, freehand: 3, probe: 1, arrow: 2,
}); // prettier-ignore

/** The shorter of two diameters, to begin with: across the middle of the longer, half as long. */
function across([ax, ay], [bx, by]) {
  const [x, y, dx, dy] = [(ax + bx) / 2, (ay + by) / 2, (bx - ax) / 4, (by - ay) / 4];
  return [[x - dy, y + dx], [x + dy, y - dx]]; // prettier-ignore
}

function spread(points, axis) {
  const along = points.map((point) => point[axis]);
  return Math.max(...along) - Math.min(...along);
}
