import { t } from '../../i18n.js';
import { calibrationOf, pixelShape } from '../calibration.js';
import { angleBetween, polygonArea } from './geometry.js';
import { greyValues, pixelUnit, statistics, valueAt } from './pixels.js';
import { isRegion, ordered } from './shapes.js';

/** How units are written; '1' is no unit. */
const WRITTEN = Object.freeze({ mm2: 'mm²', px2: 'px²', deg: '°', 1: '' });
const NAMES = () => ({ mean: t('mean'), deviation: t('SD'), minimum: t('min'), maximum: t('max') });
const NOTES = () => ({
  'at detector': t('at detector'),
  'magnification corrected': t('magnification corrected'),
  'as scanned': t('as scanned'),
});
const SIZES = Object.freeze(['length', 'bidirectional', 'rectangle', 'ellipse', 'freehand']);

/**
 * A mark with what it measures.
 * @param {import('./shapes.js').Mark} mark
 * @param {import('../series_images.js').StackImage} image the one it is drawn on
 * @param {object|null} decoded Cornerstone's image, for what the pixels say
 */
export function measured(mark, image, decoded) {
  const calibration = calibrationOf(image, mark.points);
  const size = { spacing: calibration?.spacing ?? [1, 1], unit: calibration ? 'mm' : 'px' };
  const sorted = ordered(mark, (from, to) => lengthOf(from, to, size.spacing));
  return { ...sorted, values: [...shapeValues(sorted, image, size), ...pixelValues(sorted, image, decoded)] };
}

/** @returns {string} what a reader must know about the sizes of a mark, '' if nothing */
export function noteOf(mark, image) {
  if (!SIZES.includes(mark.kind)) return '';
  const calibration = calibrationOf(image, mark.points);
  if (!calibration) return t('not calibrated');
  return NOTES()[calibration.note] ?? '';
}

/** @returns {string[]} values as they stand beside a mark */
export function valueLines({ values }) {
  const written = (name) => values.filter((value) => value.name === name).map(writtenValue)[0];
  const pixels = ['mean', 'deviation', 'minimum', 'maximum'].filter((name) => written(name) !== undefined);
  const pairs = pixels.map((name) => `${NAMES()[name]} ${written(name)}`);
  const diameters = [written('long_axis'), written('short_axis')].filter(Boolean).join(' × ');
  const single = ['length', 'angle', 'cobb', 'area', 'value'].map(written);
  return [...single, diameters, pairs.slice(0, 2).join('  '), pairs.slice(2).join('  ')].filter(Boolean);
}

/** @returns {string} a value with its unit, with as many digits as mean something */
export function writtenValue({ value, unit }) {
  const digits = unit === 'px' || unit === 'px2' ? 0 : 1;
  const number = value.toFixed(digits);
  const mark = WRITTEN[unit] ?? unit;
  return mark === '°' ? `${number}°` : [number, mark].filter(Boolean).join(' ');
}

/** @returns {number} */
export function lengthOf([ax, ay], [bx, by], [rowSpacing, columnSpacing]) {
  return Math.hypot((bx - ax) * columnSpacing, (by - ay) * rowSpacing);
}

function shapeValues({ kind, points }, image, { spacing, unit }) {
  const length = (at) => lengthOf(points[at], points[at + 1], spacing);
  const direction = (from, to) => [points[to][0] - points[from][0], points[to][1] - points[from][1]];
  if (kind === 'length') return [{ name: 'length', value: length(0), unit }];
  if (kind === 'bidirectional') {
    return ['long_axis', 'short_axis'].map((name, at) => ({ name, value: length(2 * at), unit }));
  }
  if (kind === 'angle') {
    const value = angleBetween(direction(1, 0), direction(1, 2), pixelShape(image, points));
    return [{ name: 'angle', value, unit: 'deg' }];
  }
  if (kind === 'cobb') {
    const [first, second] = [direction(0, 1), direction(2, 3)].map(rightwards);
    return [{ name: 'cobb', value: angleBetween(first, second, pixelShape(image, points)), unit: 'deg' }];
  }
  if (!isRegion(kind)) return [];
  return [{ name: 'area', value: areaOf(kind, points) * spacing[0] * spacing[1], unit: `${unit}2` }];
}

/** End plates have no direction: both are read from left to right. */
const rightwards = ([dx, dy]) => (dx < 0 ? [-dx, -dy] : [dx, dy]);

function areaOf(kind, points) {
  if (kind !== 'ellipse') return polygonArea(points);
  const [a, b, c, d] = points;
  return (Math.PI * Math.abs((b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0]))) / 4;
}

function pixelValues(mark, image, decoded) {
  if (mark.kind !== 'probe' && !isRegion(mark.kind)) return [];
  const grey = greyValues(decoded);
  if (!grey) return [];
  const unit = pixelUnit(image);
  if (mark.kind === 'probe') return [{ name: 'value', value: valueAt(grey, mark.points[0]), unit }];
  return Object.entries(statistics(grey, mark)).map(([name, value]) => ({ name, value, unit }));
}
