import { t } from '../i18n.js';
import { element } from './dom.js';
import { Pane } from './pane.js';

/** What one pane says that others listen to. */
const TOLD = ['opening', 'opened', 'closed', 'image', 'window', 'view', 'drawn', 'changed', 'playing'];

/**
 * The grid of panes. One of them is active: the toolbar, the keys and the series panel mean that one.
 *
 * Events carry `{ pane, … }`: `active`, `layout`, and all that a pane tells.
 */
export class Panes extends EventTarget {
  /** @param {import('./viewer.js').Viewer} viewer */
  constructor(viewer) {
    super();
    this.viewer = viewer;
    this.all = [];
    this.node = element('section', { class: 'panes', 'aria-label': t('Images') });
    this.layout(1, 1);
  }

  /**
   * Another grid. Panes that no longer fit are closed, from the last; the active one always stays.
   * @param {number} rows
   * @param {number} columns
   */
  layout(rows, columns) {
    Object.assign(this, { rows, columns });
    this.#maximise(false);
    this.node.dataset.layout = `${rows}x${columns}`;
    while (this.all.length > rows * columns) this.#remove(this.#last());
    while (this.all.length < rows * columns) this.#append();
    this.all.forEach((pane, at) => {
      pane.node.dataset.pane = String(at);
      pane.node.setAttribute('aria-label', t('Images {number}', { number: at + 1 }));
    });
    if (!this.active) this.activate(this.all[0]);
    this.#tell('layout', {});
  }

  activate(pane) {
    if (this.active === pane || !this.all.includes(pane)) return;
    this.active = pane;
    this.#maximise(false);
    for (const each of this.all) each.node.toggleAttribute('data-active', each === pane);
    this.#tell('active', { pane });
  }

  get isMaximised() {
    return this.node.hasAttribute('data-maximised');
  }

  /** The active pane over all the others, or back among them. */
  toggleMaximised() {
    this.#maximise(!this.isMaximised && this.all.length > 1);
    this.#tell('layout', {});
  }

  /** @returns {Pane} where another series goes: the first empty pane, else the one after the active one */
  get next() {
    const at = this.all.indexOf(this.active);
    return this.all.find((pane) => !pane.place) ?? this.all[(at + 1) % this.all.length];
  }

  /** @returns {{width: number, height: number}} CSS pixels that the panes share */
  get size() {
    return { width: this.node.clientWidth, height: this.node.clientHeight };
  }

  closeAll() {
    for (const pane of this.all) pane.close();
  }

  #maximise(large) {
    this.node.toggleAttribute('data-maximised', large);
  }

  #last() {
    return this.all.findLast((pane) => pane !== this.active) ?? this.active;
  }

  #append() {
    const pane = new Pane(this.viewer);
    for (const name of TOLD) pane.addEventListener(name, (event) => this.#tell(name, { pane, ...event.detail }));
    for (const name of ['pointerdown', 'focusin', 'wheel']) {
      pane.node.addEventListener(name, () => this.activate(pane), { capture: true, passive: true });
    }
    pane.frame.host.addEventListener('dblclick', () => this.all.length > 1 && this.toggleMaximised());
    this.all.push(pane);
    this.node.append(pane.node);
  }

  #remove(pane) {
    this.all.splice(this.all.indexOf(pane), 1);
    pane.remove();
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
