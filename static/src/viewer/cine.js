import { frameRate } from './series_images.js';

const IMPATIENCE = 40;

/** Plays the open series in a loop; waits, rather than skips, while a frame is on its way. */
export class Cine {
  /**
   * @param {import('./stack.js').Stack} stack
   * @param {(playing: boolean) => void} onChange
   */
  constructor(stack, onChange) {
    Object.assign(this, { stack, onChange, timer: null });
  }

  get isPlaying() {
    return this.timer !== null;
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.start();
  }

  start() {
    if (this.stack.images.length < 2) return;
    this.interval = 1000 / frameRate(this.stack.images[0].instance);
    this.#later(this.interval);
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
    const next = (this.stack.index + 1) % this.stack.images.length;
    if (!this.stack.isReady(next)) {
      this.stack.prefetch.moveTo(next);
      this.#later(IMPATIENCE);
      return;
    }
    this.stack.goTo(next);
    this.#later(Math.max(0, this.interval - (performance.now() - began)));
  }
}
