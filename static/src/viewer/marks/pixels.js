import { TAG, text, values } from '../attributes.js';
import { scaleOf } from '../rescaling.js';
import { ellipseOutline, insidePolygon } from './geometry.js';

const PET_UNITS = Object.freeze({ BQML: 'Bq/ml', GML: 'g/ml', CNTS: 'counts' });

function rescaleType({ instance, frame }) {
  const groups = [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]];
  const inGroups = groups.map((group) => text(values(group, TAG.valueTransformation)[0], TAG.rescaleType));
  return text(instance, TAG.rescaleType) || inGroups.find(Boolean) || '';
}

/** @returns {string} unit of rescaled values: Hounsfield units for CT, else what the image says (PS3.3 §C.11.1.1.2) */
export function pixelUnit(image) {
  const modality = text(image.instance, TAG.modality);
  if (modality === 'PT') return PET_UNITS[text(image.instance, TAG.units)] ?? '1';
  const type = rescaleType(image);
  if (type === 'HU' || (modality === 'CT' && !type)) return 'HU';
  return type === 'OD' ? 'OD' : '1';
}

/**
 * Rescaled values of a decoded image.
 * @param {object|null} decoded Cornerstone's image
 * @returns {{columns: number, rows: number, at: (column: number, row: number) => number}|null} null for colour
 */
export function greyValues(decoded) {
  if (!decoded || decoded.color) return null;
  const { columns, rows } = decoded;
  const { pixels, slope, intercept } = scaleOf(decoded);
  return { columns, rows, at: (column, row) => pixels[row * columns + column] * slope + intercept };
}

/** @returns {number|null} the value of the pixel that a point lies in */
export function valueAt(grey, [x, y]) {
  const [column, row] = [Math.min(grey.columns - 1, Math.floor(x)), Math.min(grey.rows - 1, Math.floor(y))];
  return column < 0 || row < 0 ? null : grey.at(column, row);
}

/**
 * Over the pixels whose middle lies within the region; where it is smaller than a pixel, that one.
 * @returns {{mean: number, deviation: number, minimum: number, maximum: number}}
 */
export function statistics(grey, { kind, points }) {
  const outline = kind === 'ellipse' ? ellipseOutline(points, 256) : points;
  const found = { count: 0, sum: 0, minimum: Infinity, maximum: -Infinity };
  const seen = [];
  eachPixel(grey, outline, (value) => {
    seen.push(value);
    found.sum += value;
    found.minimum = Math.min(found.minimum, value);
    found.maximum = Math.max(found.maximum, value);
  });
  if (!seen.length) {
    const centre = [0, 1].map((axis) => outline.reduce((sum, point) => sum + point[axis], 0) / outline.length);
    const value = valueAt(grey, centre);
    return { mean: value, deviation: 0, minimum: value, maximum: value };
  }
  const mean = found.sum / seen.length;
  const variance = seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / seen.length;
  return { mean, deviation: Math.sqrt(variance), minimum: found.minimum, maximum: found.maximum };
}

function eachPixel({ columns, rows, at }, outline, visit) {
  const bounds = (axis, size) => {
    const along = outline.map((point) => point[axis]);
    return [Math.max(0, Math.floor(Math.min(...along))), Math.min(size - 1, Math.ceil(Math.max(...along)))];
  };
  const [[left, right], [top, bottom]] = [bounds(0, columns), bounds(1, rows)];
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      if (insidePolygon([column + 0.5, row + 0.5], outline)) visit(at(column, row));
    }
  }
}
