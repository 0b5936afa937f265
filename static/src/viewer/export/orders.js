import { TAG, number, text } from '../attributes.js';
import { turnFromAxes } from '../hanging/turns.js';
import { captionOf } from '../hanging/mount/places.js';
import { marksOf } from './marks.js';

export const MOST_IMAGES = 100;

/**
 * @typedef {object} OrderedImage as the server's `ExportImage`
 * @property {string} series
 * @property {string} instance
 * @property {number} frame
 * @property {number} [pixels] of its longer side; for this browser alone
 * @property {number[]} [window] centre and width
 * @property {boolean} [invert]
 * @property {number} [rotate]
 * @property {boolean} [flip]
 * @property {string} [label]
 * @property {number[]} [box]
 * @property {object[]} [marks]
 *
 * @typedef {object} Order
 * @property {OrderedImage[]} images
 * @property {number} columns
 * @property {number} rows
 * @property {number[]|null} mount
 */

const isGrey = (instance) => number(instance, TAG.samplesPerPixel) === 1;

/** @returns {OrderedImage} one frame of a series as it is stored */
function plain(uid, { sopInstanceUid, frame, instance }) {
  const pixels = Math.max(number(instance, TAG.rows) ?? 0, number(instance, TAG.columns) ?? 0);
  return { series: uid, instance: sopInstanceUid, frame, pixels };
}

/** The image that a pane shows, with its window, its turn and, if wanted, what is drawn over it. */
function shownIn(pane, withMarks) {
  const { stack, uid } = pane;
  const { image } = stack;
  const asked = { ...plain(uid, image), ...turnOf(stack), invert: stack.inverted };
  if (isGrey(image.instance) && stack.window) asked.window = [stack.window.center, Math.max(1, stack.window.width)];
  if (withMarks) asked.marks = drawnOver(pane);
  return asked;
}

/** @returns {{flip: boolean, rotate: number}} of what is on the screen */
function turnOf({ viewport }) {
  const { imageData } = viewport.getImageData();
  const at = (index) => viewport.worldToCanvas(imageData.indexToWorld(index));
  const [origin, across, down] = [[0, 0, 0], [1, 0, 0], [0, 1, 0]].map(at);
  const from = (point) => [point[0] - origin[0], point[1] - origin[1]];
  return turnFromAxes(from(across), from(down));
}

function drawnOver({ node, stack: { viewport } }) {
  const layer = node.querySelector('.marks-layer');
  const { imageData, dimensions } = viewport.getImageData();
  const toFraction = (point) => {
    const index = imageData.worldToIndex(viewport.canvasToWorld(point));
    return [(index[0] + 0.5) / dimensions[0], (index[1] + 0.5) / dimensions[1]];
  };
  return layer ? marksOf(layer, toFraction) : [];
}

const isFlat = (pane) => pane.hasImages && !pane.volume && pane.stack.isShown;

/**
 * What can be exported now, the likeliest first.
 * @param {import('../viewer.js').Viewer} viewer
 * @returns {{name: string, count: number}[]} `mount`, `image`, `screen`, `series`
 */
export function choicesFor({ panes, mounting, study }) {
  const own = (pane) => isFlat(pane) && pane.study === study;
  const found = [];
  if (mounting?.isShown) found.push({ name: 'mount', count: mounting.mount.placed.size });
  const { active } = panes;
  if (!mounting?.isShown && own(active)) {
    found.push({ name: 'image', count: 1 });
    const shown = panes.all.filter(own);
    if (shown.length > 1) found.push({ name: 'screen', count: shown.length });
    if (active.stack.images.length > 1) found.push({ name: 'series', count: active.stack.images.length });
  }
  return found.filter(({ count }) => count > 0);
}

/**
 * @param {import('../viewer.js').Viewer} viewer
 * @param {string} name from `choicesFor`
 * @param {{withMarks: boolean, perPage: [number, number]}} how
 * @returns {Order}
 */
export function orderFor(viewer, name, { withMarks, perPage: [columns, rows] }) {
  const { panes, mounting, study } = viewer;
  const { active } = panes;
  if (name === 'mount') return orderOfMount(mounting);
  if (name === 'image') return { images: [shownIn(active, withMarks)], columns: 1, rows: 1, mount: null };
  if (name === 'screen') {
    const shown = panes.all.filter((pane) => isFlat(pane) && pane.study === study);
    const images = shown.map((pane) => ({ ...shownIn(pane, withMarks), label: labelOf(pane) }));
    return { images, columns: Math.min(panes.columns, images.length), rows: panes.rows, mount: null };
  }
  return { images: seriesOf(active), columns, rows, mount: null };
}

const labelOf = ({ place }) => (place.label ?? text(place.series, TAG.seriesDescription)).slice(0, 60);

/** All images of the series in order; of a long one every second, third, …, and the labels say which. */
function seriesOf({ stack, uid }) {
  const { images, chosenWindow, inverted } = stack;
  const stride = Math.ceil(images.length / MOST_IMAGES);
  return images
    .map((image, at) => ({ image, at }))
    .filter(({ at }) => at % stride === 0)
    .map(({ image, at }) => {
      const asked = { ...plain(uid, image), ...turnOf(stack), invert: inverted, label: `${at + 1} / ${images.length}` };
      if (chosenWindow && isGrey(image.instance)) asked.window = [chosenWindow.center, Math.max(1, chosenWindow.width)];
      return asked;
    });
}

function orderOfMount({ mount, view }) {
  const { template } = mount;
  const images = template.positions.flatMap((position) => {
    const film = mount.filmAt(position.id);
    if (!film) return [];
    const { x, y, width, height } = position;
    const label = captionOf(position, view.numbering);
    const { seriesInstanceUid: series, sopInstanceUid: instance } = film;
    return [{ series, instance, frame: 1, ...mount.turnOf(film.key), label, box: [x, y, width, height] }];
  });
  return { images, columns: 1, rows: 1, mount: [template.width, template.height] };
}
