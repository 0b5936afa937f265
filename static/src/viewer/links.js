import { along, dot } from './vectors.js';
import { areParallel, centreOf, distanceTo, nearestTo, shareFrame } from './planes.js';

/**
 * @typedef {object} Place where a stack stands
 * @property {(import('./planes.js').Plane|null)[]} planes of all its images
 * @property {number} index
 *
 * @typedef {object} Link how two stacks stood when the reader tied them together
 * @property {Place} from
 * @property {Place} to
 */

const planeAt = ({ planes, index }) => planes[index] ?? null;

/** @returns {boolean} whether one stack can follow another by position alone */
export function followsByPosition(from, to) {
  const [a, b] = [planeAt(from), planeAt(to)];
  return shareFrame(a, b) && areParallel(a, b);
}

/**
 * Where a stack goes when another has moved: to the same place where both know places in one frame of reference and
 * lie parallel; else, if the reader has tied them, as many millimetres on (or as many images, without positions).
 * @param {Place} from the stack that moved
 * @param {Place} to the one that follows
 * @param {Link|null} link
 * @returns {number|null} index; null when it stays
 */
export function followed(from, to, link) {
  if (followsByPosition(from, to)) return nearestTo(to.planes, centreOf(planeAt(from)));
  if (!link) return null;
  const [a, b] = [planeAt(link.from), planeAt(link.to)];
  if (areParallel(a, b) && planeAt(from)) {
    const moved = distanceTo(a, planeAt(from).origin) * Math.sign(dot(a.normal, b.normal));
    return nearestTo(to.planes, along(centreOf(b), b.normal, moved));
  }
  return clamp(link.to.index + from.index - link.from.index, to.planes.length);
}

function clamp(index, count) {
  return Math.min(count - 1, Math.max(0, index));
}
