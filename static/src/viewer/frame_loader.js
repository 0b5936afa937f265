import { t } from '../i18n.js';
import { metaData } from '@cornerstonejs/core';
import { createImage, wadors } from '@cornerstonejs/dicom-image-loader';
import { CannotBeShown } from './decodability.js';
import { drawnInSomeWay } from './frame_sources.js';
import { prepared } from './prepared.js';

/** A decoder that hangs, or throws where nobody listens, must not leave the viewport waiting (ms). */
const DECODE_LIMIT = 15_000;

/** @type {Map<string, import('./series_images.js').StackImage>} by imageId */
const images = new Map();

/**
 * Make the images of a series known to Cornerstone.
 * @param {import('./series_images.js').StackImage[]} stack
 */
export function describeImages(stack) {
  const instances = new Map();
  for (const image of stack) {
    images.set(image.imageId, image);
    if (!instances.has(image.instance)) instances.set(image.instance, prepared(image.instance));
    wadors.metaDataManager.add(image.imageId, instances.get(image.instance));
  }
}

/** @param {import('./series_images.js').StackImage[]} stack as it was described */
export function forgetImages(stack) {
  for (const { imageId } of stack) {
    wadors.metaDataManager.remove(imageId);
    images.delete(imageId);
  }
}

/** Some decoders answer a broken codestream with nothing, which would be drawn as a black image. */
function requireWhole(image) {
  const { length } = image.getPixelData();
  if (!length || length % (image.rows * image.columns)) throw new Error('The decoder gave another image.');
  return image;
}

/**
 * Drawing on the processor looks every value up in a table of whole ones, so there values with fractions must stay as
 * they are stored, and be rescaled in that table. Cornerstone then takes the window from stored values: put right.
 */
function scalingOf(imageId, { useRGBA: onProcessor }) {
  const { rescaleSlope, rescaleIntercept } = metaData.get('modalityLutModule', imageId) ?? {};
  const [slope, intercept] = [rescaleSlope ?? 1, rescaleIntercept ?? 0];
  if (!onProcessor || (Number.isInteger(slope) && Number.isInteger(intercept))) return null;
  return (value) => value * slope + intercept;
}

function rewindowed(image, imageId, rescaled) {
  if (metaData.get('voiLutModule', imageId)?.windowWidth?.length) return image;
  const [low, high] = [rescaled(image.minPixelValue), rescaled(image.maxPixelValue)];
  const windowWidth = Math.max(Math.abs(high - low), Number.EPSILON);
  return Object.assign(image, { windowWidth, windowCenter: (low + high) / 2, voiLUTFunction: 'LINEAR_EXACT' });
}

async function created(imageId, frame, options) {
  const rescaled = scalingOf(imageId, options);
  if (!rescaled) return createImage(imageId, frame.bytes, frame.transferSyntaxUid, options);
  const stored = { ...options, preScale: { enabled: false } };
  const image = await createImage(imageId, frame.bytes, frame.transferSyntaxUid, stored);
  return image.color ? image : rewindowed(image, imageId, rescaled);
}

async function decode(imageId, frame, options) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('The decoder did not answer.')), DECODE_LIMIT);
  });
  try {
    return requireWhole(await Promise.race([created(imageId, frame, options), late]));
  } catch {
    throw new CannotBeShown(t('The pixel data could not be decoded.'), frame.transferSyntaxUid);
  } finally {
    clearTimeout(timer);
  }
}

function load(imageId, { signal, ...options }) {
  const image = images.get(imageId);
  const draw = (frame) => {
    if (frame.instance !== image.instance) {
      wadors.metaDataManager.add(imageId, prepared(frame.instance));
    }
    // A copy: Cornerstone writes into it, and another way may follow.
    return decode(imageId, frame, { ...options });
  };
  return drawnInSomeWay(image, draw, signal);
}

/** Cornerstone's loader for `cut:` image ids: images that are computed, not fetched. */
export function loadCut(imageId) {
  return { promise: (async () => images.get(imageId).draw())() };
}

/**
 * Cornerstone's loader for `wadors:` image ids. Its own hides HTTP statuses and cannot be cancelled.
 * @param {string} imageId
 * @param {{signal?: AbortSignal, useRGBA?: boolean}} options
 * @returns {{promise: Promise<object>}} rejects with RequestFailed, MalformedMultipart or CannotBeShown
 */
export function loadFrame(imageId, options = {}) {
  return { promise: load(imageId, options) };
}
