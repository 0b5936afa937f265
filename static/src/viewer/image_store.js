import { cache, imageLoader } from '@cornerstonejs/core';
import { CannotBeShown } from './decodability.js';

/** Decoded images of one series: each fetched once, kept in Cornerstone's cache, all cancelled together. */
export class ImageStore {
  /** @param {boolean} onProcessor CPU drawing wants four samples per colour pixel, WebGL three */
  constructor(onProcessor) {
    this.useRGBA = onProcessor;
    this.abort = new AbortController();
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
    if (!this.pending.has(imageId)) this.pending.set(imageId, this.#load(imageId));
    return this.pending.get(imageId);
  }

  /** Stop every request under way. */
  close() {
    this.abort.abort();
  }

  async #load(imageId) {
    try {
      // Not loadAndCacheImage: it leaves a rejected promise behind that nobody can catch.
      const options = { useRGBA: this.useRGBA, signal: this.abort.signal };
      const image = await imageLoader.loadImage(imageId, options);
      if (!cache.getImageLoadObject(imageId)) {
        await cache.putImageLoadObject(imageId, { promise: Promise.resolve(image) });
      }
      return image;
    } catch (error) {
      if (error instanceof CannotBeShown) this.refused.set(imageId, error);
      throw error;
    } finally {
      this.pending.delete(imageId);
    }
  }
}
