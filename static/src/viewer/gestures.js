/** Pixels of drag for one image when a stack is long; short stacks need fewer images per screen. */
const LONGEST_STEP = 24;
const WHEEL_NOTCH = 60;
const WINDOW_SPEED = 0.004;

/** Dragging and the wheel over the images, for the tools that are ours: scroll and window. */
export class Gestures {
  /**
   * @param {HTMLElement} host
   * @param {import('./stack.js').Stack} stack
   * @param {import('./tools.js').Tools} tools
   */
  constructor(host, stack, tools) {
    Object.assign(this, { host, stack, tools, pointers: new Set(), rest: 0, wheel: 0 });
    const { signal } = (this.ending = new AbortController());
    host.addEventListener('pointerdown', (event) => this.#down(event), { signal });
    window.addEventListener('pointermove', (event) => this.#move(event), { signal });
    for (const name of ['pointerup', 'pointercancel'])
      window.addEventListener(name, (event) => this.#up(event), { signal });
    host.addEventListener('wheel', (event) => this.#roll(event), { passive: false, signal });
    host.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
  }

  stop() {
    this.ending.abort();
  }

  #down(event) {
    this.pointers.add(event.pointerId);
    // A second finger means pan and pinch: what one finger was doing ends there.
    const alone = this.pointers.size === 1 && event.button === 0;
    this.from = alone ? { x: event.clientX, y: event.clientY } : null;
    this.rest = 0;
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    this.from = null;
  }

  #move(event) {
    if (!this.from || !this.pointers.has(event.pointerId)) return;
    const [dx, dy] = [event.clientX - this.from.x, event.clientY - this.from.y];
    this.from = { x: event.clientX, y: event.clientY };
    if (this.tools.chosen === 'scroll') this.#scroll(dy);
    if (this.tools.chosen === 'window') this.#window(dx, dy);
  }

  #scroll(dy) {
    const step = Math.min(LONGEST_STEP, Math.max(3, this.host.clientHeight / this.stack.images.length));
    this.rest += dy / step;
    const whole = Math.trunc(this.rest);
    this.rest -= whole;
    if (whole) this.stack.step(whole);
  }

  #window(dx, dy) {
    const window = this.stack.window;
    if (!window) return;
    const unit = Math.max(0.01, window.width * WINDOW_SPEED);
    this.stack.setWindow({
      width: Math.max(unit, window.width + dx * unit),
      center: window.center + dy * unit,
    });
  }

  #roll(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 30;
    if (event.ctrlKey) {
      this.stack.zoom(Math.exp(-pixels / 300));
      return;
    }
    this.wheel += pixels;
    const notches = Math.trunc(this.wheel / WHEEL_NOTCH);
    this.wheel -= notches * WHEEL_NOTCH;
    if (notches) this.stack.step(Math.sign(notches) * Math.min(3, Math.abs(notches)));
  }
}
