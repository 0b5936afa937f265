import { t } from '../i18n.js';
import { element } from './dom.js';
import { icon } from './icons.js';
import { keyName } from './keyboard.js';

/**
 * @typedef {object} ToolbarEntry
 * @property {string} group which group it joins; see `GROUPS`
 * @property {string} name `data-action`, and the name of its icon unless `icon` says another
 * @property {string} label one or two words
 * @property {string} [key] a shortcut, as keyboard.js names keys
 * @property {string} [icon]
 * @property {() => void} [run]
 * @property {() => import('./menu.js').MenuItem[]} [menu] what its button opens, asked each time
 * @property {() => {disabled?: boolean, pressed?: boolean, hidden?: boolean, label?: string, icon?: string}} [state]
 */

/**
 * Groups from left to right. Where they do not all fit, the ones with the highest `folds` become menus first; where
 * the menus do not fit either, those from `TUCKED` on move into the last one.
 * The menu of a group that `mirrors` shows which of its entries is chosen.
 */
const GROUPS = Object.freeze([
  { name: 'tools', label: t('Tool'), icon: 'window', folds: 2, mirrors: true },
  { name: 'measure', label: t('Measure'), icon: 'length', folds: 4.5, mirrors: true },
  { name: 'marks', label: t('Marks'), icon: 'list', folds: 2.5 },
  { name: 'window', label: t('Window'), icon: 'presets', folds: 3 },
  { name: 'cine', label: t('Play'), icon: 'play', folds: 1.5 },
  { name: 'layout', label: t('Layout'), icon: 'layout', folds: 5 },
  { name: 'volume', label: t('MPR'), icon: 'volume', folds: 5.5 },
  { name: 'view', label: t('View'), icon: 'rotate', folds: 6 },
  { name: 'share', label: t('Export'), icon: 'export', folds: 7 },
  { name: 'more', label: t('More'), icon: 'more', folds: 1 },
]);

const TUCKED = 5;

const drawn = new WeakMap();

/** A button's picture and words, drawn when they change. */
function draw(button, name, label) {
  const face = `${name} ${label}`;
  if (drawn.get(button) === face) return;
  drawn.set(button, face);
  button.replaceChildren(icon(name), element('span', { class: 'tool-label' }, label));
}

/** One group of the bar: its buttons side by side, or one button that opens them as a menu. */
class Group {
  constructor(definition, toolbar) {
    Object.assign(this, definition, { toolbar, entries: [], buttons: new Map(), folded: false, tucked: false });
    this.opener = element(
      'button',
      { class: 'tool', type: 'button', 'data-group': this.name, 'aria-haspopup': 'menu', 'aria-expanded': 'false' },
    );
    draw(this.opener, this.icon, this.label);
    this.opener.addEventListener('click', () => this.#toggle());
    this.node = element('div', { class: 'tool-group', role: 'group', 'aria-label': this.label }, this.opener);
  }

  add(entry) {
    this.entries.push(entry);
    this.buttons.set(entry.name, this.#button(entry));
    this.node.append(this.buttons.get(entry.name));
  }

  refresh() {
    const states = this.entries.map((entry) => ({ entry, state: stateOf(entry) }));
    for (const { entry, state } of states) this.#show(entry, state);
    const shown = states.filter(({ state }) => !state.hidden);
    this.isEmpty = shown.length === 0;
    this.node.hidden = this.isEmpty || this.tucked;
    this.opener.hidden = !this.folded;
    this.opener.disabled = shown.every(({ state }) => state.disabled);
    const pressed = this.mirrors && shown.find(({ state }) => state.pressed);
    draw(
      this.opener,
      pressed ? iconOf(pressed.entry, pressed.state) : this.icon,
      pressed ? pressed.entry.label : this.label,
    );
    this.opener.classList.toggle('on', Boolean(pressed));
  }

  #button(entry) {
    const title = entry.key ? `${entry.label} (${keyName(entry.key)})` : entry.label;
    const button = element('button', { class: 'tool', type: 'button', 'data-action': entry.name, title });
    if (entry.menu) {
      button.setAttribute('aria-haspopup', 'menu');
      button.setAttribute('aria-expanded', 'false');
    }
    button.addEventListener('click', () => {
      if (entry.menu) this.toolbar.menu.toggle(button, entry.label, entry.menu());
      else entry.run();
    });
    return button;
  }

  #show(entry, state) {
    const button = this.buttons.get(entry.name);
    button.hidden = this.folded || Boolean(state.hidden);
    button.disabled = Boolean(state.disabled);
    draw(button, iconOf(entry, state), state.label ?? entry.label);
    if (state.pressed !== undefined) button.setAttribute('aria-pressed', String(state.pressed));
  }

  #toggle() {
    this.toolbar.menu.toggle(this.opener, this.label, [...this.items(), ...this.toolbar.tuckedInto(this)]);
  }

  /** @param {{folded: boolean, tucked: boolean}} place a menu of its own, or a page of the last group's */
  arrange({ folded, tucked }) {
    if (this.folded === folded && this.tucked === tucked) return;
    Object.assign(this, { folded, tucked });
    this.refresh();
  }

  /** @returns {import('./menu.js').MenuItem[]} */
  items() {
    return this.entries
      .map((entry) => ({ entry, state: stateOf(entry) }))
      .filter(({ state }) => !state.hidden)
      .map(({ entry, state }) => ({
        name: entry.name,
        label: state.label ?? entry.label,
        icon: iconOf(entry, state),
        key: entry.key ? keyName(entry.key) : '',
        checked: state.pressed,
        disabled: state.disabled,
        run: entry.run,
        menu: entry.menu,
      }));
  }
}

const stateOf = (entry) => entry.state?.() ?? {};

const iconOf = (entry, state) => state.icon ?? entry.icon ?? entry.name;

/** Buttons with words: nothing hides behind a hover, and what does not fit is one tap away. */
export class Toolbar {
  /**
   * @param {import('./menu.js').Menu} menu
   * @param {import('./keyboard.js').Keyboard} keyboard
   */
  constructor(menu, keyboard) {
    Object.assign(this, { menu, keyboard });
    this.groups = new Map(GROUPS.map((definition) => [definition.name, new Group(definition, this)]));
    const nodes = [...this.groups.values()].map((group) => group.node);
    this.node = element('div', { class: 'toolbar', role: 'toolbar', 'aria-label': t('Tools') }, nodes);
    new ResizeObserver(() => this.#fold()).observe(this.node);
  }

  /** @param {ToolbarEntry} entry */
  add(entry) {
    this.groups.get(entry.group).add(entry);
    if (entry.key) {
      const run = () => !stateOf(entry).disabled && this.#runByKey(entry);
      this.keyboard.add({ keys: [entry.key], label: entry.label, run });
    }
    this.refresh();
  }

  /** Ask every entry for its state, once for all that changes before the next picture of the screen. */
  refresh() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      for (const group of this.groups.values()) group.refresh();
      this.#fold();
    });
  }

  /** @returns {import('./menu.js').MenuItem[]} groups that had no room, as pages of the last group's menu */
  tuckedInto(group) {
    const all = [...this.groups.values()];
    if (group !== all.at(-1)) return [];
    return all
      .filter((each) => each.tucked && !each.isEmpty)
      .map((each) => ({ label: each.label, icon: each.icon, name: `group-${each.name}`, menu: () => each.items() }));
  }

  #runByKey(entry) {
    const button = this.groups.get(entry.group).buttons.get(entry.name);
    if (!entry.menu) entry.run();
    else this.menu.toggle(this.#openerOf(entry, button), entry.label, entry.menu());
  }

  /** @returns {HTMLElement} what is on the screen nearest to an entry */
  #openerOf(entry, button) {
    const group = this.groups.get(entry.group);
    if (group.tucked) return [...this.groups.values()].at(-1).opener;
    return button.hidden ? group.opener : button;
  }

  /** Fold groups, the least needed first, until the bar fits; then tuck some into the last. */
  #fold() {
    const groups = [...this.groups.values()];
    const shape = `${this.node.clientWidth} ${groups.map((group) => visible(group)).join()}`;
    if (shape === this.shape) return;
    this.shape = shape;
    for (const group of groups) group.arrange({ folded: false, tucked: false });
    const order = groups.filter((group) => group.folds).sort((a, b) => b.folds - a.folds);
    const tooWide = () => this.node.scrollWidth > this.node.clientWidth;
    for (const group of order.filter((each) => each.entries.length > 1)) {
      if (tooWide()) group.arrange({ folded: true, tucked: false });
    }
    for (const group of order.filter((each) => each.folds >= TUCKED)) {
      if (tooWide()) group.arrange({ folded: group.folded, tucked: true });
    }
  }
}

const visible = (group) => group.entries.filter((entry) => !stateOf(entry).hidden).length;
