import { t } from '../i18n.js';
import { TAG, number, values } from './attributes.js';

/**
 * Calibrated regions of ultrasound pictures (PS3.3 §C.8.5.5): a picture may hold a sector in centimetres, a Doppler
 * curve in seconds and centimetres per second, and a scale that is neither.
 */

/** Physical Units (§C.8.5.5.1.15): what one step along an axis is, and how many of our unit it makes. */
const UNITS = Object.freeze({
  1: { unit: '%', factor: 1 },
  2: { unit: 'dB', factor: 1 },
  3: { unit: 'mm', factor: 10 },
  4: { unit: 's', factor: 1 },
  5: { unit: 'Hz', factor: 1 },
  6: { unit: 'dB/s', factor: 1 },
  7: { unit: 'cm/s', factor: 1 },
  8: { unit: 'cm²', factor: 1 },
  9: { unit: 'cm²/s', factor: 1 },
  10: { unit: 'cm³', factor: 1 },
  11: { unit: 'cm³/s', factor: 1 },
  12: { unit: '°', factor: 1 },
});

/** Region Data Type (§C.8.5.5.1.2), as far as it helps a reader. */
const NAMES = Object.freeze({
  1: t('Tissue'),
  2: t('Colour flow'),
  3: t('PW Doppler'),
  4: t('CW Doppler'),
  9: t('M-mode'),
  10: t('ECG'),
});

/**
 * @typedef {object} Region
 * @property {{left: number, top: number, right: number, bottom: number}} box in pixels of the image, ends included
 * @property {{unit: string, perPixel: number}} x along a row; `unit` is '' where nothing is stated
 * @property {{unit: string, perPixel: number}} y down a column; its sign is the direction
 * @property {number[]|null} origin `[column, row]` where both axes are zero, in pixels of the image
 * @property {string} name what it shows, in words
 * @property {boolean} isSpatial both axes are lengths: distances and areas make sense
 */

function axis(item, unitTag, deltaTag) {
  const known = UNITS[number(item, unitTag)];
  const delta = number(item, deltaTag);
  return known && delta ? { unit: known.unit, perPixel: delta * known.factor } : { unit: '', perPixel: 0 };
}

function regionOf(item) {
  const [left, top, right, bottom] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) =>
    number(item, tag),
  );
  if ([left, top, right, bottom].includes(null) || right <= left || bottom <= top) return null;
  const [x, y] = [axis(item, '00186024', '0018602C'), axis(item, '00186026', '0018602E')];
  const [column, row] = [number(item, '00186020'), number(item, '00186022')];
  return {
    box: { left, top, right, bottom },
    x,
    y,
    // Reference pixels count from the region's own corner (§C.8.5.5.1.7).
    origin: column === null || row === null ? null : [left + column, top + row],
    name: NAMES[number(item, '00186014')] ?? '',
    isSpatial: x.unit === 'mm' && y.unit === 'mm',
  };
}

/** @returns {Region[]} of an image, without those that say nothing usable */
export function regionsOf(instance) {
  return values(instance, TAG.ultrasoundRegions)
    .map(regionOf)
    .filter(Boolean);
}

/** Both corners of a region are pixels of it (§C.8.5.5.1.5 to .8), and a point may lie anywhere on a pixel. */
const isInside = ({ left, top, right, bottom }, [column, row]) =>
  column >= left && column <= right + 1 && row >= top && row <= bottom + 1;

const areaOf = ({ left, top, right, bottom }) => (right - left) * (bottom - top);

/**
 * The region that all points lie in; of several the smallest, as it lies on the others.
 * @param {object} instance DICOM JSON dataset
 * @param {number[][]} points `[column, row]` in pixels
 * @returns {Region|null}
 */
export function regionAround(instance, points) {
  const around = regionsOf(instance).filter(({ box }) => points.every((point) => isInside(box, point)));
  return around.sort((a, b) => areaOf(a.box) - areaOf(b.box))[0] ?? null;
}

/** @returns {number[]|null} row and column spacing in millimetres where points may be measured as a length */
export function regionSpacing(instance, points) {
  const region = regionAround(instance, points);
  return region?.isSpatial ? [region.y.perPixel, region.x.perPixel].map(Math.abs) : null;
}

/**
 * What two points in one region are apart, axis by axis: seconds and cm/s on a Doppler curve.
 * @returns {{x: {value: number, unit: string}, y: {value: number, unit: string}}|null}
 */
export function regionDifference(instance, [first, second]) {
  const region = regionAround(instance, [first, second]);
  if (!region?.x.unit || !region.y.unit) return null;
  const along = ({ perPixel, unit }, from, to) => ({ value: Math.abs((to - from) * perPixel), unit });
  return { x: along(region.x, first[0], second[0]), y: along(region.y, first[1], second[1]) };
}
