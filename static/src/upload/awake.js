const BEAT = 5000;
// Browsers slow the timers of a hidden page down to one a minute; what is longer was sleep.
const SLEPT = 90_000;

/** Keeps a screen from going dark while something is sent; a closed lid it cannot prevent. */
export class WakeLock {
  #lock = null;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#renew());
  }

  hold(isNeeded) {
    if (isNeeded === this.isNeeded) return;
    this.isNeeded = isNeeded;
    this.#renew();
  }

  // The browser takes the lock away whenever the page is hidden.
  async #renew() {
    if (!this.isNeeded || document.hidden) {
      await this.#lock?.release().catch(() => {});
      this.#lock = null;
    } else if (!this.#lock || this.#lock.released) {
      this.#lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    }
  }
}

/** Calls `woke` when the computer has slept. */
export function afterSleep(woke) {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > SLEPT) woke();
    last = now;
  }, BEAT);
}
