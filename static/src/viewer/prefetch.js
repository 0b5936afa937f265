import { TAG, number } from './attributes.js';
import { RequestFailed } from './dicomweb.js';

const PARALLEL = 4;

/** Share of the cache that prefetching may fill, so that it never evicts what is on the screen. */
const BUDGET = 0.7;

/** Images farther than this from where the reader has gone are given up: what lies there now comes first. */
const FAR = 12;

/** What lies behind the reader is wanted as if it were so many times as far away. */
const BEHIND = 2;

function decodedBytes(instance) {
  const pixels = (number(instance, TAG.rows) ?? 0) * (number(instance, TAG.columns) ?? 0);
  return Math.max(1, pixels * ((number(instance, TAG.samplesPerPixel) ?? 1) === 1 ? 4 : 8));
}

/**
 * @param {Iterable<number>} wanted positions still missing
 * @param {number} centre where the reader is
 * @param {number} heading 1 or -1 where the reader moves, 0 at rest
 * @returns {number|null} the position that the eye needs next
 */
export function nextWanted(wanted, centre, heading) {
  let [best, least] = [null, Infinity];
  for (const index of wanted) {
    const away = index - centre;
    const cost = Math.abs(away) * (away * heading < 0 ? BEHIND : 1);
    if (cost < least) [best, least] = [index, cost];
  }
  return best;
}

/** Fetches a series outward from where the reader is, and first where they are heading. */
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
    this.heading = 0;
    this.loaded = 0;
    this.active = new Set();
    this.stopped = false;
    this.room = Math.floor((cacheBytes * BUDGET) / decodedBytes(images[0].instance));
    // What is computed is as quick when it is looked at.
    this.wanted = new Set(images[0].draw ? [] : images.keys());
  }

  /** Begin, or continue from another position. */
  moveTo(index) {
    this.heading = Math.sign(index - this.centre);
    this.centre = index;
    for (const under of this.active) {
      if (Math.abs(under - index) > FAR) this.store.cancel(this.images[under].imageId);
    }
    this.#fill();
  }

  stop() {
    this.stopped = true;
  }

  #fill() {
    while (!this.stopped && this.active.size < PARALLEL && this.#fetchNext());
  }

  #fetchNext() {
    const index = this.room > 0 ? nextWanted(this.wanted, this.centre, this.heading) : null;
    if (index === null) return false;
    this.wanted.delete(index);
    this.room -= 1;
    this.#fetch(index);
    return true;
  }

  async #fetch(index) {
    this.active.add(index);
    const given = await this.#load(index);
    this.active.delete(index);
    if (this.stopped) return;
    if (given) this.#takeBack(index);
    else {
      this.loaded += 1;
      this.onProgress(this.loaded);
    }
    this.#fill();
  }

  /** @returns {Promise<boolean>} whether it was given up on the way */
  async #load(index) {
    try {
      await this.store.get(this.images[index].imageId);
    } catch (error) {
      if (error.name === 'AbortError') return true;
      // Told when the reader gets there. A portal that refuses one frame is not asked for all the others.
      if (error instanceof RequestFailed) this.stop();
    }
    return false;
  }

  #takeBack(index) {
    this.wanted.add(index);
    this.room += 1;
  }
}
