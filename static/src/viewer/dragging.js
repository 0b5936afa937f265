import { element } from './dom.js';

/** A mouse drags at once; a finger scrolls the list, unless it has rested on a series first. */
const FAR = 8;
const LONG_PRESS = 350;

/** Series dragged from the panel into a pane. */
export class Dragging {
  /**
   * @param {HTMLElement} panel
   * @param {import('./panes.js').Panes} panes
   * @param {(seriesInstanceUid: string, pane: import('./pane.js').Pane) => void} onDrop
   */
  constructor(panel, panes, onDrop) {
    Object.assign(this, { panel, panes, onDrop });
    panel.addEventListener('pointerdown', (event) => this.#down(event));
    panel.addEventListener('click', (event) => this.#swallow(event), { capture: true });
    panel.addEventListener('contextmenu', (event) => this.held && event.preventDefault());
    // Once a finger carries a series, the list must not scroll away under it.
    panel.addEventListener('touchmove', (event) => this.ghost && event.preventDefault(), { passive: false });
  }

  #down(event) {
    const tile = event.target.closest('.series-tile');
    if (!tile || event.button !== 0) return;
    this.#end();
    this.held = { tile, x: event.clientX, y: event.clientY, pointerId: event.pointerId };
    const { signal } = (this.ending = new AbortController());
    if (event.pointerType === 'mouse') this.ready = true;
    else this.timer = setTimeout(() => this.#lift(this.held.x, this.held.y), LONG_PRESS);
    window.addEventListener('pointermove', (move) => this.#move(move), { signal });
    window.addEventListener('pointerup', (up) => this.#drop(up), { signal });
    window.addEventListener('pointercancel', () => this.#end(), { signal });
    window.addEventListener('keydown', ({ key }) => key === 'Escape' && this.#end(), { signal });
  }

  #move({ clientX, clientY, pointerId }) {
    if (pointerId !== this.held.pointerId) return;
    const far = Math.hypot(clientX - this.held.x, clientY - this.held.y) > FAR;
    if (!this.ghost && far && !this.ready) this.#end();
    else if (!this.ghost && far) this.#lift(clientX, clientY);
    if (!this.ghost) return;
    this.#place(clientX, clientY);
    const over = this.#paneAt(clientX, clientY);
    for (const pane of this.panes.all) pane.node.classList.toggle('dropping', pane === over);
  }

  #lift(x, y) {
    const picture = this.held.tile.querySelector('.thumb').cloneNode(true);
    this.ghost = element('div', { class: 'series-ghost', 'aria-hidden': 'true' }, picture);
    document.querySelector('#viewer').append(this.ghost);
    this.#place(x, y);
  }

  #place(x, y) {
    this.ghost.style.translate = `${x - 36}px ${y - 36}px`;
  }

  #drop({ clientX, clientY, pointerId }) {
    if (pointerId !== this.held.pointerId) return;
    const pane = this.ghost && this.#paneAt(clientX, clientY);
    const { series } = this.held.tile.dataset;
    this.swallowing = Boolean(this.ghost);
    setTimeout(() => (this.swallowing = false));
    this.#end();
    if (pane) this.onDrop(series, pane);
  }

  /** The click at the end of a drag chooses nothing. */
  #swallow(event) {
    if (!this.swallowing) return;
    event.stopPropagation();
    event.preventDefault();
  }

  #paneAt(x, y) {
    const node = document.elementsFromPoint(x, y).find((each) => each.classList.contains('pane'));
    return this.panes.all.find((pane) => pane.node === node);
  }

  #end() {
    clearTimeout(this.timer);
    this.ending?.abort();
    this.ghost?.remove();
    for (const pane of this.panes.all) pane.node.classList.remove('dropping');
    Object.assign(this, { ghost: null, held: null, ready: false });
  }
}
