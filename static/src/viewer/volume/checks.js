import { t } from '../../i18n.js';
import { TAG, number, text } from '../attributes.js';
import { distanceTo, planeOf } from '../planes.js';
import { dot, minus, norm } from '../vectors.js';

/** Fewer slices make no picture across them. */
const FEWEST = 8;
/** Orientations differ when normals or rows do by more than this (cosine of half a degree). */
const SAME_DIRECTION = Math.cos((0.5 * Math.PI) / 180);
/** A gap may differ from the usual one by this share: positions are written with few decimals. */
const UNEVEN = 0.1;
/** Sideways shift from slice to slice, as a share of the gap, beyond which the stack leans (gantry tilt). */
const LEANING = 0.02;

/** @returns {number} bytes of the decoded slices */
export function volumeBytes(images) {
  const { instance } = images[0];
  const pixels = (number(instance, TAG.rows) ?? 0) * (number(instance, TAG.columns) ?? 0);
  return images.length * pixels * ((number(instance, TAG.bitsAllocated) ?? 16) / 8);
}

/**
 * Why a series cannot be cut into other planes.
 * @param {import('../series_images.js').StackImage[]} images
 * @param {number} memory bytes that a volume may take
 * @returns {string} a sentence for the reader; '' for a sound volume
 */
export function whyNoVolume(images, memory) {
  if (images.length < FEWEST) {
    return t('Other planes need at least {fewest} slices; this series has {count}.', {
      fewest: FEWEST,
      count: images.length,
    });
  }
  if (images.some(({ instance }) => (number(instance, TAG.samplesPerPixel) ?? 1) !== 1)) {
    return t('Other planes are made of grey images only; this series is in colour.');
  }
  if (images.some(({ instance }) => text(instance, TAG.photometricInterpretation) === 'PALETTE COLOR')) {
    return t('Other planes are made of grey images only; this series is in colour.');
  }
  const planes = images.map(planeOf);
  if (planes.some((plane) => !plane)) return t('The images do not say where in the patient they lie.');
  return whyNotAligned(images, planes) || whyNotEven(sorted(planes)) || whyTooLarge(images, memory);
}

function whyNotAligned(images, planes) {
  const [first] = planes;
  const turned = planes.some(
    (plane) => dot(plane.normal, first.normal) < SAME_DIRECTION || dot(plane.right, first.right) < SAME_DIRECTION,
  );
  if (turned) return t('The images of this series lie in different directions.');
  const differs = (a, b) => Math.abs(a - b) > 1e-3 * Math.abs(b);
  const size = ({ instance }) => `${number(instance, TAG.rows)}x${number(instance, TAG.columns)}`;
  const resized =
    planes.some(({ spacing }) => spacing.some((value, axis) => differs(value, first.spacing[axis]))) ||
    images.some((image) => size(image) !== size(images[0]));
  return resized ? t('The images of this series are of different sizes.') : '';
}

/** @returns {import('../planes.js').Plane[]} from the lowest to the highest position along the normal */
export function sorted(planes) {
  const [first] = planes;
  return [...planes].sort((a, b) => distanceTo(first, a.origin) - distanceTo(first, b.origin));
}

function whyNotEven(planes) {
  const steps = planes.slice(1).map((plane, at) => minus(plane.origin, planes[at].origin));
  const gaps = steps.map((step) => dot(step, planes[0].normal));
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  if (gaps.some((gap) => gap < 0.01)) return t('Several images of this series lie at the same place.');
  const sideways = steps.map((step, at) => Math.sqrt(Math.max(0, norm(step) ** 2 - gaps[at] ** 2)));
  if (sideways.some((shift, at) => shift > LEANING * gaps[at] + 0.02)) {
    return t('The slices lean (gantry tilt): other planes would be skewed.');
  }
  const largest = Math.max(...gaps.map((gap) => Math.abs(gap - usual)));
  if (largest <= UNEVEN * usual) return '';
  const at = gaps.findIndex((gap) => Math.abs(gap - usual) === largest);
  return t('The gaps between the slices are uneven: {gap} mm after slice {number}, elsewhere {usual} mm.', {
    gap: gaps[at].toFixed(1),
    number: at + 1,
    usual: usual.toFixed(1),
  });
}

function whyTooLarge(images, memory) {
  const bytes = volumeBytes(images);
  if (bytes <= memory) return '';
  const megabytes = (value) => Math.round(value / 1024 ** 2);
  return t('This volume takes {bytes} MB; this device has room for {memory} MB.', {
    bytes: megabytes(bytes),
    memory: megabytes(memory),
  });
}
