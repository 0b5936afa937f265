import { TAG, number, numbers, text } from './attributes.js';

/**
 * @typedef {object} StackImage one frame of a series, in reading order
 * @property {string} imageId Cornerstone's name for it, another one each time the series is opened
 * @property {string} url
 * @property {string} sopInstanceUid
 * @property {number} frame counted from 1
 * @property {object} instance DICOM JSON dataset
 */

/**
 * Series opened so far. Cornerstone remembers the colour image it drew last by its id, and would leave the
 * canvas of a second image with that id empty.
 */
let openings = 0;

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function distanceAlongNormal(instance) {
  const position = numbers(instance, TAG.imagePosition, 3);
  const orientation = numbers(instance, TAG.imageOrientation, 6);
  if (!position || !orientation) return 0;
  const normal = cross(orientation.slice(0, 3), orientation.slice(3, 6));
  return normal.reduce((sum, value, axis) => sum + value * position[axis], 0);
}

function byReadingOrder(a, b) {
  const byNumber = (number(a, TAG.instanceNumber) ?? 0) - (number(b, TAG.instanceNumber) ?? 0);
  return byNumber || distanceAlongNormal(a) - distanceAlongNormal(b);
}

/** @returns {boolean} whether an instance holds pixels to draw (PS3.3 §C.7.6.3) */
export function isImage(instance) {
  return (number(instance, TAG.rows) ?? 0) > 0 && (number(instance, TAG.columns) ?? 0) > 0;
}

/**
 * The frames of a series in reading order, and what of it is no image.
 * @param {object[]} metadata DICOM JSON datasets of the series
 * @param {(sopInstanceUid: string, frame: number) => string} frameUrl
 * @returns {{images: StackImage[], others: object[]}}
 */
export function imagesOf(metadata, frameUrl) {
  openings += 1;
  const images = [];
  for (const instance of metadata.filter(isImage).sort(byReadingOrder)) {
    const sopInstanceUid = text(instance, TAG.sopInstanceUid);
    const frames = Math.max(1, number(instance, TAG.numberOfFrames) ?? 1);
    for (let frame = 1; frame <= frames; frame += 1) {
      const url = frameUrl(sopInstanceUid, frame);
      const imageId = `wadors:${openings}!${url}`;
      images.push({ imageId, url, sopInstanceUid, frame, instance });
    }
  }
  return { images, others: metadata.filter((instance) => !isImage(instance)) };
}

/**
 * Speed at which a series is played.
 * @returns {number} frames per second, 1–60; 15 when the images state none
 */
export function frameRate(instance) {
  const frameTime = number(instance, TAG.frameTime);
  const stated =
    number(instance, TAG.recommendedFrameRate) ??
    number(instance, TAG.cineRate) ??
    (frameTime ? 1000 / frameTime : null);
  return stated ? Math.min(60, Math.max(1, stated)) : 15;
}
