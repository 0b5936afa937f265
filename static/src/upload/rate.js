const WINDOW = 10_000;

/** Bytes per second over the last ten seconds of work. */
export class Rate {
  #samples = [];

  add(bytes, now = performance.now()) {
    if (bytes > 0) this.#samples.push({ now, bytes });
  }

  reset() {
    this.#samples = [];
  }

  perSecond(now = performance.now()) {
    while (this.#samples.length && this.#samples[0].now < now - WINDOW) this.#samples.shift();
    if (this.#samples.length < 2) return 0;
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return bytes / Math.max(0.5, (now - this.#samples[0].now) / 1000);
  }
}
