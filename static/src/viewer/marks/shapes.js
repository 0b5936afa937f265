import { ellipseOutline } from './geometry.js';

/**
 * @typedef {object} Mark as the portal keeps it, see imaging/dicom/marks/model.py
 * @property {string} id of this page
 * @property {string} kind
 * @property {{series: string, sop: string, frame: number}} image
 * @property {number[][]} points `[column, row]` from the top left corner of the top left pixel
 * @property {{name: string, value: number, unit: string}[]} values
 * @property {string} label
 * @property {string} tracking_uid
 */

/** Regions have an inside. */
export const REGIONS = Object.freeze(['rectangle', 'ellipse', 'freehand']);

export const isRegion = (kind) => REGIONS.includes(kind);

/** @returns {{points: number[][], closed: boolean}[]} the lines that a mark consists of, in pixels of the image */
export function linesOf({ kind, points }) {
  if (kind === 'ellipse') return [{ points: ellipseOutline(points), closed: true }];
  if (kind === 'probe') return [];
  if (kind === 'cobb' || kind === 'bidirectional') {
    return [points.slice(0, 2), points.slice(2, 4)]
      .filter((pair) => pair.length === 2)
      .map((pair) => ({ points: pair, closed: false }));
  }
  return [{ points, closed: isRegion(kind) }];
}

/** @returns {number[]} the points that a finger can take, by their index */
export function handlesOf({ kind, points }) {
  return kind === 'freehand' ? [] : points.map((_, at) => at);
}

/**
 * The points after one of them was dragged: rectangles stay right-angled, and so do the axes of ellipses.
 * @param {Mark} mark
 * @param {number} handle
 * @param {number[]} to
 */
export function dragged({ kind, points }, handle, to) {
  if (kind === 'rectangle') return draggedCorner(points, handle, to);
  if (kind === 'ellipse') return draggedAxis(points, handle, to);
  return points.map((point, at) => (at === handle ? to : point));
}

/** @returns {number[][]} */
export function moved(points, [dx, dy]) {
  return points.map(([x, y]) => [x + dx, y + dy]);
}

function draggedCorner(points, handle, to) {
  const corner = (step) => (handle + step) % 4;
  const opposite = points[corner(2)];
  const unit = directionOf(opposite, points[corner(1)]);
  if (!unit) return points;
  // The two sides that meet in the opposite corner keep their directions.
  const along = (to[0] - opposite[0]) * unit[0] + (to[1] - opposite[1]) * unit[1];
  const beside = [opposite[0] + along * unit[0], opposite[1] + along * unit[1]];
  const other = [opposite[0] + to[0] - beside[0], opposite[1] + to[1] - beside[1]];
  const result = [...points];
  result[handle] = to;
  result[corner(1)] = beside;
  result[corner(3)] = other;
  return result;
}

function draggedAxis(points, handle, to) {
  const first = handle < 2 ? 0 : 2;
  const [from, end] = points.slice(first, first + 2);
  const centre = [(from[0] + end[0]) / 2, (from[1] + end[1]) / 2];
  const unit = directionOf(from, end);
  if (!unit) return points;
  const half = Math.max(0.5, Math.abs((to[0] - centre[0]) * unit[0] + (to[1] - centre[1]) * unit[1]));
  const result = [...points];
  result[first] = [centre[0] - half * unit[0], centre[1] - half * unit[1]];
  result[first + 1] = [centre[0] + half * unit[0], centre[1] + half * unit[1]];
  return result;
}

function directionOf(from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  return length ? [dx / length, dy / length] : null;
}

/** @returns {Mark} an ellipse names its longer axis first, a pair of diameters the longer one, in what is measured */
export function ordered(mark, lengthOf) {
  const { kind, points } = mark;
  if (!['ellipse', 'bidirectional'].includes(kind) || points.length < 4) return mark;
  if (lengthOf(points[0], points[1]) >= lengthOf(points[2], points[3])) return mark;
  return { ...mark, points: [points[2], points[3], points[0], points[1]] };
}
