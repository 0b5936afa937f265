import { TAG, number } from './attributes.js';
import { RequestFailed } from './dicomweb.js';

const PARALLEL = 4;

/** Share of the cache that prefetching may fill, so that it never evicts what is on the screen. */
const BUDGET = 0.7;

function decodedBytes(instance) {
  const pixels = (number(instance, TAG.rows) ?? 0) * (number(instance, TAG.columns) ?? 0);
  return Math.max(1, pixels * ((number(instance, TAG.samplesPerPixel) ?? 1) === 1 ? 4 : 8));
}

/** @returns {number|null} nearest position to `centre` that is still missing */
function nearest(wanted, centre) {
  let best = null;
  for (const index of wanted) {
    if (best === null || Math.abs(index - centre) < Math.abs(best - centre)) best = index;
  }
  return best;
}

/** Fetches a series outward from where the reader is. */
export class Prefetch {
  /**
   * @param {import('./image_store.js').ImageStore} store
   * @param {import('./series_images.js').StackImage[]} images
   * @param {number} cacheBytes size of the cache
   * @param {(loaded: number) => void} onProgress
   */
  constructor(store, images, cacheBytes, onProgress) {
    this.store = store;
    this.images = images;
    this.onProgress = onProgress;
    this.centre = 0;
    this.loaded = 0;
    this.active = 0;
    this.stopped = false;
    this.room = Math.floor((cacheBytes * BUDGET) / decodedBytes(images[0].instance));
    this.wanted = new Set(images.keys());
  }

  /** Begin, or continue from another position. */
  moveTo(index) {
    this.centre = index;
    while (!this.stopped && this.active < PARALLEL && this.#fetchNext());
  }

  stop() {
    this.stopped = true;
  }

  #fetchNext() {
    const index = this.room > 0 ? nearest(this.wanted, this.centre) : null;
    if (index === null) return false;
    this.wanted.delete(index);
    this.room -= 1;
    this.#fetch(index);
    return true;
  }

  async #fetch(index) {
    this.active += 1;
    try {
      await this.store.get(this.images[index].imageId);
    } catch (error) {
      // Told when the reader gets there. A portal that refuses one frame is not asked for all the others.
      if (error instanceof RequestFailed) this.stop();
    }
    this.active -= 1;
    if (this.stopped) return;
    this.loaded += 1;
    this.onProgress(this.loaded);
    this.moveTo(this.centre);
  }
}
