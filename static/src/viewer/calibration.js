import { TAG, number, numbers, spacing, text, values } from './attributes.js';
import { regionSpacing } from './ultrasound_regions.js';

const CLOSE = 1e-4;

/**
 * @typedef {object} Calibration
 * @property {number[]} spacing millimetres between rows and between columns
 * @property {''|'at detector'|'magnification corrected'|'as scanned'} note what a reader must know about it
 */

function functionalGroupSpacing(instance, frame) {
  const groups = [values(instance, TAG.perFrameGroups)[frame - 1], values(instance, TAG.sharedGroups)[0]];
  for (const group of groups) {
    const found = spacing(values(group, TAG.pixelMeasures)[0], TAG.pixelSpacing);
    if (found) return found;
  }
  return null;
}

const same = (one, other) => one.every((value, at) => Math.abs(value - other[at]) <= CLOSE * value);

/** Spacing at the detector, brought to the object where the image states by how much it was magnified. */
function projected(instance, atDetector) {
  const factor = number(instance, TAG.magnification);
  if (!(factor > 1)) return { spacing: atDetector, note: 'at detector' };
  return { spacing: atDetector.map((value) => value / factor), note: 'magnification corrected' };
}

/** Pixel Spacing equal to that of the detector was never calibrated to the patient (PS3.3 §10.7.1.3). */
function atPatient(instance, frame) {
  const found = spacing(instance, TAG.pixelSpacing) ?? functionalGroupSpacing(instance, frame);
  if (!found) return null;
  const atDetector = spacing(instance, TAG.imagerPixelSpacing);
  const calibrated = ['GEOMETRY', 'FIDUCIAL'].includes(text(instance, TAG.calibrationType));
  if (atDetector && !calibrated && same(found, atDetector)) return projected(instance, atDetector);
  return { spacing: found, note: '' };
}

/**
 * What a pixel is in millimetres, where all points lie.
 *
 * Read from the attributes and not by Cornerstone: its 5.14 takes a radiograph without an orientation for uncalibrated
 * although it has Pixel Spacing (PS3.3 §10.7.1).
 * @param {{instance: object, frame: number}} image
 * @param {number[][]} points `[column, row]` in pixels
 * @returns {Calibration|null} null where nothing calibrates it
 */
export function calibrationOf({ instance, frame }, points) {
  // Ultrasound calibrates by region of the picture (PS3.3 §C.8.5.5); only lengths along both axes make a length.
  const region = regionSpacing(instance, points);
  if (region) return { spacing: region, note: '' };
  // A picture with regions is calibrated only inside of them.
  if (values(instance, TAG.ultrasoundRegions).length) return null;
  const found = atPatient(instance, frame);
  if (found) return found;
  const atDetector = spacing(instance, TAG.imagerPixelSpacing);
  if (atDetector) return projected(instance, atDetector);
  const scanned = spacing(instance, TAG.scannedPixelSpacing);
  return scanned ? { spacing: scanned, note: 'as scanned' } : null;
}

/**
 * @returns {number[]} height and width of a pixel, in millimetres or in any unit: what angles need
 */
export function pixelShape(image, points) {
  const ratio = numbers(image.instance, TAG.pixelAspectRatio, 2);
  return calibrationOf(image, points)?.spacing ?? (ratio?.every((value) => value > 0) ? ratio : [1, 1]);
}
