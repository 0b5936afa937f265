import { cache } from '@cornerstonejs/core';
import { drawsOnProcessor, startEngine } from './engine.js';
import { Gestures } from './gestures.js';
import { clearShelf } from './shelf.js';
import { Stack } from './stack.js';
import { Tools } from './tools.js';

let seats = 0;

/** All that needs Cornerstone, loaded while the list of series is on its way. */
export class Reading {
  constructor() {
    this.engine = startEngine();
    this.tools = new Tools(this.engine);
    this.drawing = drawsOnProcessor() ? 'processor' : 'webgl';
  }

  /** @returns {number} bytes of decoded pixels that are kept */
  get memory() {
    return cache.getMaxCacheSize();
  }

  /** What may no longer be seen leaves the memory too. */
  forget() {
    clearShelf();
    cache.purgeCache();
  }

  /**
   * A viewport with its gestures and tools.
   * @param {HTMLDivElement} host
   * @returns {{stack: Stack, leave: () => void}}
   */
  seat(host) {
    seats += 1;
    const stack = new Stack(this.engine, host, `pane-${seats}`);
    this.tools.join(stack);
    const gestures = new Gestures(host, stack, this.tools);
    const sizes = new ResizeObserver(() => stack.resize());
    sizes.observe(host);
    const leave = () => {
      sizes.disconnect();
      gestures.stop();
      this.tools.leave(stack);
      stack.destroy();
    };
    return { stack, leave };
  }
}
