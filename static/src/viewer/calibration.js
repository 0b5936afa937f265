import { TAG, number, spacing, values } from './attributes.js';

const CENTIMETRES = 3;

function functionalGroupSpacing(instance, frame) {
  const groups = [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]];
  for (const group of groups) {
    const found = spacing(values(group, TAG.pixelMeasures)[0], TAG.pixelSpacing);
    if (found) return found;
  }
  return null;
}

function inside(region, [x, y]) {
  return (
    x >= number(region, '00186018') &&
    y >= number(region, '0018601A') &&
    x <= number(region, '0018601C') &&
    y <= number(region, '0018601E')
  );
}

/** Ultrasound calibrates by region of the picture (PS3.3 §C.8.5.5); only centimetres make a length. */
function regionSpacing(instance, points) {
  const region = values(instance, TAG.ultrasoundRegions).find(
    (item) =>
      number(item, '00186024') === CENTIMETRES &&
      number(item, '00186026') === CENTIMETRES &&
      points.every((point) => inside(item, point)),
  );
  if (!region) return null;
  return [number(region, '0018602E') * 10, number(region, '0018602C') * 10].map(Math.abs);
}

function spacingOf({ instance, frame }, points) {
  const atPatient = spacing(instance, TAG.pixelSpacing) ?? functionalGroupSpacing(instance, frame);
  if (atPatient) return { spacing: atPatient, note: '' };
  const region = regionSpacing(instance, points);
  if (region) return { spacing: region, note: '' };
  const atDetector = spacing(instance, TAG.imagerPixelSpacing);
  return atDetector ? { spacing: atDetector, note: 'at detector' } : null;
}

/**
 * The text of a length measurement.
 *
 * Computed here and not by Cornerstone: its 5.14 takes a radiograph without an orientation for uncalibrated
 * although it has Pixel Spacing (PS3.3 §10.7.1).
 * @param {import('./series_images.js').StackImage} image
 * @param {number[][]} points two `[column, row]` in pixels
 * @returns {string[]} lines, in millimetres, or in pixels when nothing calibrates the image
 */
export function lengthText(image, points) {
  const [dx, dy] = [points[1][0] - points[0][0], points[1][1] - points[0][1]];
  const calibrated = spacingOf(image, points);
  if (!calibrated) return [`${Math.hypot(dx, dy).toFixed(0)} px`, 'not calibrated'];
  const [rowSpacing, columnSpacing] = calibrated.spacing;
  const length = `${Math.hypot(dx * columnSpacing, dy * rowSpacing).toFixed(1)} mm`;
  return calibrated.note ? [length, calibrated.note] : [length];
}
