import { TAG, number, text, values } from '../attributes.js';

const MATRIX_COLUMNS = '00480006';
const MATRIX_ROWS = '00480007';
const FOCAL_PLANES = '00480303';
const ORGANISATION = '00209311';
const FRAME_OFFSET = '00209228';
const IMAGE_TYPE = '00080008';
const TILE_POSITION = '0048021A';
const TILE_COLUMN = '0048021E';
const TILE_ROW = '0048021F';
const OPTICAL_PATH = '00480207';
const OPTICAL_PATH_NAME = '00480106';

/**
 * @typedef {object} Level one resolution of a slide
 * @property {number} width of the whole picture, in pixels
 * @property {number} height
 * @property {number} tileWidth
 * @property {number} tileHeight
 * @property {number} across tiles in a row
 * @property {number} down
 * @property {(column: number, row: number) => {instance: object, frame: number}|null} tileAt null where nothing was
 *   scanned
 */

/** @returns {'VOLUME'|'THUMBNAIL'|'OVERVIEW'|'LABEL'|string} what a slide's image is of (PS3.3 §C.8.12.4.1.1) */
export const flavour = (instance) => String(values(instance, IMAGE_TYPE)[2] ?? '');

const isFull = (instance) => text(instance, ORGANISATION) === 'TILED_FULL';

function shapeOf(instance) {
  const [tileWidth, tileHeight] = [number(instance, TAG.columns), number(instance, TAG.rows)];
  const [width, height] = [
    number(instance, MATRIX_COLUMNS) ?? tileWidth,
    number(instance, MATRIX_ROWS) ?? tileHeight,
  ];
  const [across, down] = [Math.ceil(width / tileWidth), Math.ceil(height / tileHeight)];
  return { width, height, tileWidth, tileHeight, across, down };
}

/** Frames by columns, rows, focal planes and optical paths (PS3.3 §C.7.6.17.3); the first of the last two is shown. */
function fullTiles(instances, { across }) {
  const parts = instances
    .map((instance) => ({
      instance,
      first: number(instance, FRAME_OFFSET) ?? 0,
      count: number(instance, TAG.numberOfFrames) ?? 1,
    }))
    .sort((a, b) => a.first - b.first);
  return (column, row) => {
    const at = row * across + column;
    const part = parts.find(({ first, count }) => at >= first && at < first + count);
    return part ? { instance: part.instance, frame: at - part.first + 1 } : null;
  };
}

const nameOfPath = (group) => text(values(group, OPTICAL_PATH)[0], OPTICAL_PATH_NAME);

/** Each frame says where it lies (PS3.3 §C.8.12.6.1). */
function sparseTiles(instances, { tileWidth, tileHeight }) {
  const places = new Map();
  let path = null;
  for (const instance of instances) {
    values(instance, TAG.perFrameGroups).forEach((group, at) => {
      path ??= nameOfPath(group);
      const position = values(group, TILE_POSITION)[0];
      const [left, top] = [number(position, TILE_COLUMN), number(position, TILE_ROW)];
      if (left === null || top === null || nameOfPath(group) !== path) return;
      const key = `${Math.floor((left - 1) / tileWidth)},${Math.floor((top - 1) / tileHeight)}`;
      if (!places.has(key)) places.set(key, { instance, frame: at + 1 });
    });
  }
  return (column, row) => places.get(`${column},${row}`) ?? null;
}

function levelOf(instances) {
  const shape = shapeOf(instances[0]);
  const single = shape.across * shape.down === 1;
  const full = isFull(instances[0]) || single || !values(instances[0], TAG.perFrameGroups).length;
  return { ...shape, tileAt: full ? fullTiles(instances, shape) : sparseTiles(instances, shape) };
}

/**
 * The resolutions of a slide, the smallest first. Instances of one size are parts of one level (a concatenation).
 * @param {object[]} metadata instances of a whole-slide series
 * @returns {Level[]}
 */
export function levelsOf(metadata) {
  const bySize = new Map();
  for (const instance of metadata) {
    if (!['VOLUME', 'THUMBNAIL', ''].includes(flavour(instance))) continue;
    const { width, height } = shapeOf(instance);
    if (!(width > 0 && height > 0)) continue;
    const key = `${width}×${height}`;
    bySize.set(key, [...(bySize.get(key) ?? []), instance]);
  }
  return [...bySize.values()].map(levelOf).sort((a, b) => a.width - b.width);
}

/** @returns {object[]} pictures of the whole glass: these show no label, which may bear names (§C.8.12.4.1.1) */
export const labelsOf = (metadata) =>
  metadata.filter((instance) => ['LABEL', 'OVERVIEW'].includes(flavour(instance)));

/** @returns {number|null} millimetres between two pixels of the largest level */
export function spacingOf(metadata) {
  const volumes = metadata.filter((instance) => flavour(instance) === 'VOLUME');
  const [largest] = volumes.sort((a, b) => shapeOf(b).width - shapeOf(a).width);
  const measures = values(values(largest, TAG.sharedGroups)[0], TAG.pixelMeasures)[0];
  const spacing = Number(values(measures, TAG.pixelSpacing)[1]);
  return spacing > 0 ? spacing : null;
}

/** @returns {boolean} whether there is more than what is shown: other focal planes */
export const hasDepth = (metadata) => metadata.some((instance) => (number(instance, FOCAL_PLANES) ?? 1) > 1);

/**
 * A length that is easy to read, near a wanted share of the screen.
 * @param {number} millimetresPerPixel of the screen
 * @param {number} wanted pixels of the screen
 * @returns {{pixels: number, words: string}}
 */
export function scaleBar(millimetresPerPixel, wanted) {
  const length = millimetresPerPixel * wanted;
  const magnitude = 10 ** Math.floor(Math.log10(length));
  const round = [5, 2, 1].find((factor) => factor * magnitude <= length) * magnitude;
  const inMicrometres = Number((round * 1000).toPrecision(1));
  const words = round >= 1 ? `${Number(round.toPrecision(1))} mm` : `${inMicrometres} µm`;
  return { pixels: round / millimetresPerPixel, words };
}
