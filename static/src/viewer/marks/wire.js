import { newId } from './store.js';

/** Marks as the portal's JSON has them, and as the page has them. */

/** @returns {import('./shapes.js').Mark} */
export function markFrom(sent) {
  return { ...sent, id: newId() };
}

/** @returns {{marks: object[], keys: object[], note: string}} what a version puts on the screen */
export function stateOf(version) {
  return {
    marks: version.marks.map(markFrom),
    keys: version.key_images.map(({ series, sop, frame }) => ({ series, sop, frame })),
    note: version.key_note,
  };
}

/** @returns {Map<string, object>} the views of a version, by series */
export function viewsOf(version) {
  return new Map(version.views.map((view) => [view.images[0].series, view]));
}

const imageOf = ({ sop, frame }) => ({ sop, frame });

function markOf({ kind, image, points, values, label, tracking_uid }) {
  return { kind, image: imageOf(image), points, values, label, tracking_uid };
}

/**
 * The body of a save.
 * @param {import('./store.js').Marks} marks
 * @param {Map<string, object>} views by series
 * @param {string} replaces the version that this one comes after
 */
export function bodyOf(marks, views, replaces) {
  return {
    marks: marks.all.filter(isOfStudy).map(markOf),
    key_images: marks.keys.map(imageOf),
    key_note: marks.keys.length ? marks.note : '',
    views: [...views].map(([series, view]) => viewBody(series, view)),
    replaces: replaces || null,
  };
}

function viewBody(series, { window, inverted, rotation, flipped, area, images }) {
  const instances = images ? onePerInstance(images) : [];
  // A thousand names say no more than that of their series.
  const about = instances.length === 1 ? { images: instances } : { series };
  return { ...about, window, inverted, rotation, flipped, area };
}

/** A state is about whole instances. */
function onePerInstance(images) {
  return [...new Map(images.map((image) => [image.sop, { sop: image.sop, frame: 1 }])).values()];
}

/** @returns {boolean} false for what is drawn on planes that were computed, or on another study */
export function isOfStudy({ image }) {
  return Boolean(image.series && image.sop) && !image.foreign;
}
