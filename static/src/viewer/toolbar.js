import { element } from './dom.js';
import { icon } from './icons.js';
import { CT_PRESETS } from './presets.js';

const TOOLS = [
  ['scroll', 'Scroll', 'S'],
  ['window', 'Window', 'W'],
  ['zoom', 'Zoom', 'Z'],
  ['pan', 'Pan', 'P'],
  ['length', 'Length', 'L'],
];

const ACTIONS = [
  ['presets', 'Presets', '1–6'],
  ['play', 'Play', 'Space'],
  ['invert', 'Invert', 'I'],
  ['reset', 'Reset', 'R'],
  ['clear', 'Clear', 'Del'],
  ['help', 'Help', '?'],
];

function button(name, label, key, onclick) {
  const attributes = {
    class: 'tool',
    type: 'button',
    'data-action': name,
    title: `${label} (${key})`,
    onclick,
  };
  return element('button', attributes, icon(name), element('span', { class: 'tool-label' }, label));
}

/** Buttons with words: nothing hides behind a hover. */
export class Toolbar {
  /** @param {Object<string, Function>} commands what buttons ask for, by name */
  constructor(commands) {
    this.commands = commands;
    this.buttons = new Map();
    this.menu = this.#presetMenu();
    const tools = TOOLS.map(([name, label, key]) =>
      this.#add(name, label, key, () => commands.choose(name)),
    );
    const actions = ACTIONS.map(([name, label, key]) => this.#add(name, label, key, () => this.#act(name)));
    this.node = element(
      'div',
      { class: 'toolbar', role: 'toolbar', 'aria-label': 'Tools' },
      tools,
      element('span', { class: 'divider' }),
      actions,
    );
    this.buttons.get('presets').setAttribute('aria-haspopup', 'menu');
    document.addEventListener('pointerdown', (event) => this.#closeOutside(event));
  }

  /** @param {string} name the tool that one finger or the left button holds */
  markTool(name) {
    for (const [tool] of TOOLS) this.buttons.get(tool).setAttribute('aria-pressed', String(tool === name));
  }

  markPlaying(playing) {
    const play = this.buttons.get('play');
    play.replaceChildren(
      icon(playing ? 'pause' : 'play'),
      element('span', { class: 'tool-label' }, playing ? 'Pause' : 'Play'),
    );
    play.setAttribute('aria-pressed', String(playing));
  }

  markInverted(inverted) {
    this.buttons.get('invert').setAttribute('aria-pressed', String(inverted));
  }

  /** @param {{ct: boolean, count: number, measured: boolean}} series what the open series allows */
  allow({ ct, count, measured }) {
    this.buttons.get('presets').disabled = !ct;
    this.buttons.get('play').disabled = count < 2;
    this.buttons.get('clear').disabled = !measured;
    for (const name of ['scroll', 'window', 'zoom', 'pan', 'length', 'invert', 'reset']) {
      this.buttons.get(name).disabled = count < 1;
    }
    if (!ct) this.closeMenu();
  }

  closeMenu() {
    this.menu.hidden = true;
    this.buttons.get('presets').setAttribute('aria-expanded', 'false');
  }

  #add(name, label, key, onclick) {
    this.buttons.set(name, button(name, label, key, onclick));
    return this.buttons.get(name);
  }

  #act(name) {
    if (name === 'presets') this.#toggleMenu();
    else this.commands[name]();
  }

  #presetMenu() {
    const choose = (preset) => {
      this.closeMenu();
      this.commands.preset(preset);
    };
    const item = (preset, index) =>
      element(
        'button',
        { class: 'menu-item', type: 'button', role: 'menuitem', onclick: () => choose(preset) },
        element('span', {}, preset.name),
        element('span', { class: 'menu-value' }, `W ${preset.width}  L ${preset.center}`),
        element('kbd', {}, String(index + 1)),
      );
    return element(
      'div',
      { class: 'menu', role: 'menu', 'aria-label': 'Window presets', hidden: true },
      CT_PRESETS.map(item),
    );
  }

  #toggleMenu() {
    this.menu.hidden = !this.menu.hidden;
    const opener = this.buttons.get('presets');
    opener.setAttribute('aria-expanded', String(!this.menu.hidden));
    if (this.menu.hidden) return;
    const at = opener.getBoundingClientRect();
    const left = Math.min(at.left, window.innerWidth - this.menu.offsetWidth - 8);
    const below = at.bottom + this.menu.offsetHeight < window.innerHeight;
    this.menu.style.left = `${Math.max(8, left)}px`;
    this.menu.style.top = `${below ? at.bottom + 6 : at.top - this.menu.offsetHeight - 6}px`;
  }

  #closeOutside(event) {
    if (!this.menu.contains(event.target) && !this.buttons.get('presets').contains(event.target))
      this.closeMenu();
  }
}
