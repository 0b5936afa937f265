import { cache, imageLoader } from '@cornerstonejs/core';
import { CannotBeShown } from './decodability.js';

/** Decoded images of one series: each fetched once, kept in Cornerstone's cache, given up one by one or together. */
export class ImageStore {
  /** @param {boolean} onProcessor CPU drawing wants four samples per colour pixel, WebGL three */
  constructor(onProcessor) {
    this.useRGBA = onProcessor;
    this.pending = new Map();
    this.refused = new Map();
  }

  /** @returns {boolean} whether an image is in memory */
  has(imageId) {
    return cache.isLoaded(imageId);
  }

  /**
   * @returns {Promise<object>} Cornerstone's image
   * @throws {CannotBeShown} again at once, without asking the portal a second time
   */
  async get(imageId) {
    if (this.refused.has(imageId)) throw this.refused.get(imageId);
    const cached = cache.getImage(imageId);
    if (cached) return cached;
    if (!this.pending.has(imageId)) this.#begin(imageId);
    return this.pending.get(imageId).image;
  }

  /** Give up one image that is under way: who waits for it gets an AbortError. */
  cancel(imageId) {
    this.pending.get(imageId)?.abort.abort();
    this.pending.delete(imageId);
  }

  /** Stop every request under way. */
  close() {
    for (const { abort } of this.pending.values()) abort.abort();
  }

  #begin(imageId) {
    const abort = new AbortController();
    const begun = { abort, image: this.#load(imageId, abort.signal) };
    this.pending.set(imageId, begun);
    const end = () => this.pending.get(imageId) === begun && this.pending.delete(imageId);
    begun.image.then(end, end);
  }

  async #load(imageId, signal) {
    try {
      // Not loadAndCacheImage: it leaves a rejected promise behind that nobody can catch.
      const image = await imageLoader.loadImage(imageId, { useRGBA: this.useRGBA, signal });
      signal.throwIfAborted();
      if (!cache.getImageLoadObject(imageId)) {
        await cache.putImageLoadObject(imageId, { promise: Promise.resolve(image) });
      }
      return image;
    } catch (error) {
      if (error instanceof CannotBeShown) this.refused.set(imageId, error);
      throw error;
    }
  }
}
