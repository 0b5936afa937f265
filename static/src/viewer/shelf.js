import { cache } from '@cornerstonejs/core';
import { forgetImages } from './frame_loader.js';

/** Series that stay in memory after they were closed, so that going back shows them at once. */
const MOST = 6;

/** @type {Map<string, import('./series_images.js').StackImage[]>} by series, the one closed last at the end */
const closed = new Map();

/** Leave the images of a series that was closed. */
export function shelve(seriesUid, images) {
  discard(closed.get(seriesUid));
  closed.delete(seriesUid);
  closed.set(seriesUid, images);
  if (closed.size > MOST) drop(closed.keys().next().value);
}

/**
 * Take the images of a series back.
 *
 * Those that are no longer in memory get another id: Cornerstone remembers the colour image it drew last by its id,
 * and would leave the canvas of a second image with that id empty.
 * @param {string} seriesUid
 * @param {import('./series_images.js').StackImage[]} fresh as its metadata lists them now
 * @returns {import('./series_images.js').StackImage[]}
 */
export function unshelve(seriesUid, fresh) {
  const kept = closed.get(seriesUid);
  closed.delete(seriesUid);
  if (!kept) return fresh;
  const byUrl = new Map(kept.filter(({ imageId }) => cache.isLoaded(imageId)).map((image) => [image.url, image]));
  const images = fresh.map((image) => byUrl.get(image.url) ?? image);
  const used = new Set(images);
  discard(kept.filter((image) => !used.has(image)));
  return images;
}

/** Nothing of what was open may stay in memory. */
export function clearShelf() {
  for (const seriesUid of [...closed.keys()]) drop(seriesUid);
}

function drop(seriesUid) {
  discard(closed.get(seriesUid));
  closed.delete(seriesUid);
}

/** Out of memory for good. */
export function discard(images = []) {
  for (const { imageId } of images) if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId);
  forgetImages(images);
}

