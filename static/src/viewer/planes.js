import { TAG, number, numbers, spacing, text, values } from './attributes.js';
import { along, cross, dot, minus, norm, unit } from './vectors.js';

/**
 * Where one image lies in the patient (PS3.3 §C.7.6.2).
 *
 * @typedef {object} Plane
 * @property {number[]} origin centre of the first pixel
 * @property {number[]} right direction of a row, towards higher columns
 * @property {number[]} down direction of a column, towards higher rows
 * @property {number[]} normal
 * @property {number[]} spacing between columns and between rows, in millimetres
 * @property {number} width
 * @property {number} height in millimetres
 * @property {string} frame Frame of Reference UID, '' when unknown
 */

/** Planes whose normals are closer than this (cosine of 5°) are parallel for a reader. */
const PARALLEL = Math.cos((5 * Math.PI) / 180);

/** What a frame of a multi-frame image says of its own, or all of them share (PS3.3 §C.7.6.16). */
function functionalGroup({ instance, frame }, tag) {
  for (const group of [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]]) {
    const found = values(group, tag)[0];
    if (found) return found;
  }
  return null;
}

const known = new WeakMap();

/**
 * @param {import('./series_images.js').StackImage} image
 * @returns {Plane|null} null for images that do not say where they lie
 */
export function planeOf(image) {
  if (!known.has(image)) known.set(image, readPlane(image));
  return known.get(image);
}

function readPlane(image) {
  const { instance } = image;
  const position = functionalGroup(image, TAG.planePosition) ?? instance;
  const orientation = functionalGroup(image, TAG.planeOrientation) ?? instance;
  const measures = functionalGroup(image, TAG.pixelMeasures) ?? instance;
  const origin = numbers(position, TAG.imagePosition, 3);
  const directions = numbers(orientation, TAG.imageOrientation, 6);
  const between = spacing(measures, TAG.pixelSpacing);
  if (!origin || !directions || !between) return null;
  const [right, down] = [directions.slice(0, 3), directions.slice(3)];
  if (norm(right) < 0.9 || norm(down) < 0.9) return null;
  const normal = cross(unit(right), unit(down));
  if (norm(normal) < 0.9) return null;
  return {
    origin,
    right: unit(right),
    down: unit(down),
    normal: unit(normal),
    spacing: [between[1], between[0]],
    width: between[1] * (number(instance, TAG.columns) ?? 0),
    height: between[0] * (number(instance, TAG.rows) ?? 0),
    frame: text(instance, TAG.frameOfReference),
  };
}

/** @returns {boolean} whether positions in both mean the same place */
export function shareFrame(a, b) {
  return Boolean(a && b && a.frame && a.frame === b.frame);
}

export function areParallel(a, b) {
  return Boolean(a && b) && Math.abs(dot(a.normal, b.normal)) >= PARALLEL;
}

/** @returns {number} millimetres from a plane to a point, along its normal */
export function distanceTo(plane, point) {
  return dot(minus(point, plane.origin), plane.normal);
}

/** @returns {number[]} the middle of the image */
export function centreOf(plane) {
  return along(along(plane.origin, plane.right, plane.width / 2), plane.down, plane.height / 2);
}

/**
 * The image of a stack that lies nearest to a point.
 * @param {(Plane|null)[]} planes
 * @param {number[]} point
 * @returns {number|null} index; null when no image says where it lies
 */
export function nearestTo(planes, point) {
  let best = null;
  let least = Infinity;
  planes.forEach((plane, index) => {
    const distance = plane ? Math.abs(distanceTo(plane, point)) : Infinity;
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

/**
 * Where one image cuts another: the part of the line that lies within the first.
 * @param {Plane} target drawn on
 * @param {Plane} source drawn
 * @returns {number[][]|null} two points on the target's plane; null when they do not meet
 */
export function referenceLine(target, source) {
  if (!shareFrame(target, source) || areParallel(target, source)) return null;
  const corners = cornersOf(source);
  const points = [];
  corners.forEach((from, at) => {
    const to = corners[(at + 1) % corners.length];
    const [a, b] = [distanceTo(target, from), distanceTo(target, to)];
    if (a === b || a * b > 0) return;
    const point = along(from, minus(to, from), a / (a - b));
    if (!points.some((other) => norm(minus(other, point)) < 1e-6)) points.push(point);
  });
  return points.length === 2 ? points : null;
}

function cornersOf({ origin, right, down, width, height }) {
  const topRight = along(origin, right, width);
  return [origin, topRight, along(topRight, down, height), along(origin, down, height)];
}

const AXES = Object.freeze([
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
]);

/** @returns {string} letters of where a direction leads in the patient, the strongest first (PS3.3 §C.7.6.1.1.1) */
export function lettersOf(direction) {
  return direction
    .map((value, axis) => ({ size: Math.abs(value), letter: AXES[axis][value > 0 ? 0 : 1] }))
    .filter(({ size }) => size > 0.25)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join('');
}
