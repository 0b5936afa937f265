import { t } from '../i18n.js';

/**
 * @typedef {object} Shortcut
 * @property {string[]} keys as `KeyboardEvent.key` names them; single letters in lower case, `Shift+x` with Shift held
 * @property {string} shown how the help writes them
 * @property {string} label what they do
 * @property {string} [section] heading in the help
 * @property {(key: string) => void} run
 */

/** How keys are written where their names are long or invisible. */
const WRITTEN = Object.freeze({ ' ': t('Space'), Delete: t('Del'), Escape: t('Esc') });

/** Keys, what they do in words, and what they run: the help shows exactly this table. */
export class Keyboard {
  constructor() {
    /** @type {Shortcut[]} */
    this.shortcuts = [];
    this.byKey = new Map();
  }

  /**
   * A key belongs to whoever claims it first. Two meanings of one key are a mistake, but no reason to show no image:
   * the second goes without.
   * @param {Shortcut} shortcut
   */
  add({ keys, shown = '', label, section = t('Keys'), run }) {
    const free = keys.filter((key) => !this.byKey.has(key));
    if (free.length < keys.length) console.error(`“${label}” asks for a key that is taken.`);
    if (!free.length) return;
    for (const key of free) this.byKey.set(key, run);
    this.shortcuts.push({ keys: free, shown: shown || free.map(keyName).join(' '), label, section, run });
  }

  /** @returns {Map<string, Shortcut[]>} what the help lists, by section */
  get sections() {
    const sections = new Map();
    for (const shortcut of this.shortcuts) {
      sections.set(shortcut.section, [...(sections.get(shortcut.section) ?? []), shortcut]);
    }
    return sections;
  }

  /** @returns {boolean} whether the key meant something */
  press(key) {
    const run = this.byKey.get(key);
    run?.(key);
    return Boolean(run);
  }

  /** @param {EventTarget} target usually `document` */
  listen(target) {
    target.addEventListener('keydown', (event) => {
      // Cornerstone prevents the default of every key that is pressed over an image: that says nothing here.
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (takesKey(event.target, event.key)) return;
      if (this.press(keyOf(event))) event.preventDefault();
    });
  }
}

/** @returns {string} a key as the table names it */
export function keyOf({ key, shiftKey }) {
  if (key.length > 1) return key;
  const lower = key.toLowerCase();
  return shiftKey && lower !== key ? `Shift+${lower}` : lower;
}

/** @returns {string} a key as readers know it */
export function keyName(key) {
  if (WRITTEN[key]) return WRITTEN[key];
  return key.startsWith('Shift+') ? `Shift ${key.slice(6).toUpperCase()}` : key.length === 1 ? key.toUpperCase() : key;
}

function takesKey(target, key) {
  if (target.closest?.('dialog, input, textarea, select, [role=menu]')) return true;
  return (key === ' ' || key === 'Enter') && Boolean(target.closest?.('button, a'));
}
