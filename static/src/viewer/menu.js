import { element } from './dom.js';
import { icon } from './icons.js';

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string} [icon]
 * @property {string} [value] said small at the right
 * @property {string} [key] the shortcut, as written
 * @property {boolean} [checked] a choice that holds now; undefined for what merely happens
 * @property {boolean} [disabled]
 * @property {string} [name] `data-action`, for styles and tests
 * @property {() => void} [run]
 * @property {() => MenuItem[]} [menu] another page of the menu
 */

const STEPS = Object.freeze({ ArrowDown: 1, ArrowUp: -1 });

/** The one menu that is open: beside its button, with targets for a thumb, walked by arrow keys. */
export class Menu {
  constructor() {
    this.node = element('div', { class: 'menu', role: 'menu', hidden: true });
    this.node.addEventListener('keydown', (event) => this.#key(event));
    document.addEventListener('pointerdown', (event) => this.#closeOutside(event));
    window.addEventListener('resize', () => this.close());
  }

  /**
   * Open below or above a button; the same button closes it again.
   * @param {HTMLElement} opener
   * @param {string} label
   * @param {MenuItem[]} items
   */
  toggle(opener, label, items) {
    const again = this.opener === opener;
    this.close();
    if (!again && items.length) this.#open(opener, label, items);
  }

  close() {
    if (!this.opener) return;
    const within = this.node.contains(document.activeElement);
    this.opener.setAttribute('aria-expanded', 'false');
    if (within) this.opener.focus();
    this.opener = null;
    this.node.hidden = true;
  }

  #open(opener, label, items) {
    this.opener = opener;
    opener.setAttribute('aria-expanded', 'true');
    this.#fill(label, items);
    this.node.hidden = false;
    this.#place();
    this.#buttons()[0]?.focus({ preventScroll: true });
  }

  #fill(label, items) {
    this.node.setAttribute('aria-label', label);
    this.node.replaceChildren(...items.map((item) => this.#item(item)));
  }

  #item(item) {
    const role = item.checked === undefined ? 'menuitem' : 'menuitemcheckbox';
    const attributes = { class: 'menu-item', type: 'button', role, onclick: () => this.#chosen(item) };
    const checked = item.checked === undefined ? null : String(item.checked);
    return element(
      'button',
      { ...attributes, 'aria-checked': checked, disabled: Boolean(item.disabled), 'data-action': item.name ?? null },
      item.icon ? icon(item.icon) : element('span', {}),
      element('span', { class: 'menu-words' }, item.label),
      element('span', { class: 'menu-value' }, item.value ?? ''),
      item.key ? element('kbd', {}, item.key) : element('span', {}),
    );
  }

  #chosen(item) {
    if (item.menu) {
      this.#fill(item.label, item.menu());
      this.#place();
      this.#buttons()[0]?.focus();
      return;
    }
    this.close();
    item.run();
  }

  #place() {
    const at = this.opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = Math.max(8, Math.min(at.left, window.innerWidth - width - 8));
    const below = at.bottom + height + 6 < window.innerHeight;
    const top = below ? at.bottom + 6 : at.top - height - 6;
    this.node.style.left = `${left}px`;
    this.node.style.top = `${Math.max(8, top)}px`;
  }

  #buttons() {
    return [...this.node.querySelectorAll('button:not(:disabled)')];
  }

  #key(event) {
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      event.stopPropagation();
      this.close();
      return;
    }
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement) + step;
    buttons.at(at % buttons.length)?.focus();
  }

  #closeOutside(event) {
    if (!this.node.contains(event.target) && !this.opener?.contains(event.target)) this.close();
  }
}
