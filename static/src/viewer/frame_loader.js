import { createImage, wadors } from '@cornerstonejs/dicom-image-loader';
import { CannotBeShown, decodable } from './decodability.js';
import { retrieveFrame } from './dicomweb.js';
import { prepared } from './prepared.js';

/** A decoder that hangs, or throws where nobody listens, must not leave the viewport waiting (ms). */
const DECODE_LIMIT = 15_000;

/** @type {Map<string, import('./series_images.js').StackImage>} by imageId */
const images = new Map();

/**
 * Make the images of a series known to Cornerstone, and forget those of the one before.
 * @param {import('./series_images.js').StackImage[]} stack
 */
export function describeImages(stack) {
  for (const imageId of images.keys()) wadors.metaDataManager.remove(imageId);
  images.clear();
  const instances = new Map();
  for (const image of stack) {
    images.set(image.imageId, image);
    if (!instances.has(image.instance)) instances.set(image.instance, prepared(image.instance));
    wadors.metaDataManager.add(image.imageId, instances.get(image.instance));
  }
}

async function decode(imageId, frame, options) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('The decoder did not answer.')), DECODE_LIMIT);
  });
  try {
    return await Promise.race([createImage(imageId, frame.bytes, frame.transferSyntaxUid, options), late]);
  } catch {
    throw new CannotBeShown('The pixel data could not be decoded.', frame.transferSyntaxUid);
  } finally {
    clearTimeout(timer);
  }
}

async function load(imageId, { signal, ...options }) {
  const { url, instance } = images.get(imageId);
  const frame = await retrieveFrame(url, signal);
  signal?.throwIfAborted();
  return decode(imageId, decodable(instance, frame), options);
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
