import { frameRate } from './series_images.js';

const IMPATIENCE = 40;

/** @typedef {'loop'|'swing'|'once'} CineMode from the end to the beginning, back and forth, or stop at the end */

/**
 * What is played next.
 * @param {number} index
 * @param {number} direction 1 or -1
 * @param {number} count
 * @param {CineMode} mode
 * @returns {{index: number, direction: number}|null} null at the end of `once`
 */
export function nextFrame(index, direction, count, mode) {
  const next = index + direction;
  if (next >= 0 && next < count) return { index: next, direction };
  if (mode === 'once') return null;
  if (mode === 'swing') return { index: Math.min(count - 1, Math.max(0, index - direction)), direction: -direction };
  return { index: (next + count) % count, direction };
}

/** Plays the open series; waits, rather than skips, while a frame is on its way. */
export class Cine {
  /**
   * @param {import('./stack.js').Stack} stack
   * @param {(playing: boolean) => void} onChange
   */
  constructor(stack, onChange) {
    Object.assign(this, { stack, onChange, timer: null, mode: 'loop', direction: 1 });
  }

  get isPlaying() {
    return this.timer !== null;
  }

  /** @returns {number} frames per second: as the reader chose, else as the file says */
  get rate() {
    return this.chosenRate ?? this.statedRate;
  }

  get statedRate() {
    return this.stack.images.length ? frameRate(this.stack.images[0].instance) : 15;
  }

  /** @param {number|null} rate null is the file's own */
  setRate(rate) {
    this.chosenRate = rate;
    this.onChange(this.isPlaying);
  }

  /** @param {CineMode} mode */
  setMode(mode) {
    this.mode = mode;
    this.direction = 1;
    this.onChange(this.isPlaying);
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.start();
  }

  start() {
    const { images, index } = this.stack;
    if (images.length < 2) return;
    if (this.mode === 'once' && index === images.length - 1) this.stack.goTo(0);
    this.#later(1000 / this.rate);
    this.onChange(true);
  }

  stop() {
    if (!this.isPlaying) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.onChange(false);
  }

  #later(delay) {
    this.timer = setTimeout(() => this.#next(), delay);
  }

  #next() {
    const began = performance.now();
    const next = nextFrame(this.stack.index, this.direction, this.stack.images.length, this.mode);
    if (!next) {
      this.stop();
      return;
    }
    if (!this.stack.isReady(next.index)) {
      this.stack.prefetch.moveTo(next.index);
      this.#later(IMPATIENCE);
      return;
    }
    this.direction = next.direction;
    this.stack.goTo(next.index);
    this.#later(Math.max(0, 1000 / this.rate - (performance.now() - began)));
  }
}
