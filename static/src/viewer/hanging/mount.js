import { TEMPLATES, templateOf } from './mount_templates.js';
import { chooseTemplate, place } from './placement.js';

/**
 * @typedef {object} Placed a film in a position
 * @property {string} key of the film
 * @property {number} rotate degrees clockwise: 0, 90, 180 or 270
 * @property {boolean} flip left and right exchanged, before it is turned
 */

const MOST_UNDO = 100;

/** What lies where in one study's mount. Every change can be undone; listeners hear `changed`. */
export class Mount extends EventTarget {
  /** @param {import('./films.js').Film[]} films in reading order */
  constructor(films) {
    super();
    this.films = new Map(films.map((film) => [film.key, film]));
    this.past = [];
    this.turned = new Map();
    this.#lay(chooseTemplate(films));
  }

  get canUndo() {
    return this.past.length > 0;
  }

  /** @returns {import('./films.js').Film[]} that lie in no position */
  get rest() {
    const placed = new Set(this.placed.values());
    return [...this.films.values()].filter(({ key }) => !placed.has(key));
  }

  /** @returns {import('./films.js').Film|undefined} */
  filmAt(position) {
    return this.films.get(this.placed.get(position));
  }

  /** @returns {{rotate: number, flip: boolean}} */
  turnOf(key) {
    return this.turned.get(key) ?? { rotate: 0, flip: false };
  }

  /** Another template: films are laid anew by what their headers say; how they are turned stays. */
  choose(id) {
    const template = templateOf(id);
    if (template) this.#change(() => this.#lay(template));
  }

  /** As the headers say, nothing turned. */
  reset() {
    this.#change(() => {
      this.turned = new Map();
      this.#lay(this.template);
    });
  }

  /**
   * Lay a film into a position; the one that lay there changes places with it, or goes back to the rest.
   * @param {string} key
   * @param {string|null} position null takes it out of the mount
   */
  move(key, position) {
    const from = [...this.placed].find(([, held]) => held === key)?.[0] ?? null;
    if (from === position || !this.films.has(key)) return;
    this.#change(() => {
      const other = position && this.placed.get(position);
      if (from) this.placed.delete(from);
      if (position) this.placed.set(position, key);
      if (from && other) this.placed.set(from, other);
    });
  }

  /** A quarter turn clockwise, as seen. */
  rotate(key) {
    const { rotate, flip } = this.turnOf(key);
    this.#change(() => this.turned.set(key, { rotate: (rotate + 90) % 360, flip }));
  }

  /** Left and right exchanged as seen: of a film that lies on its side that is its other axis. */
  flip(key) {
    const { rotate, flip } = this.turnOf(key);
    this.#change(() => this.turned.set(key, { rotate: (360 - rotate) % 360, flip: !flip }));
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    Object.assign(this, before);
    this.#tell();
  }

  /** @returns {{template: string, films: object[]}} what is saved */
  get saved() {
    const films = [...this.placed].map(([position, key]) => {
      const { seriesInstanceUid: series, sopInstanceUid: instance } = this.films.get(key);
      return { position, series, instance, ...this.turnOf(key) };
    });
    return { template: this.template.id, films };
  }

  /** Take over what was saved; films that have come or gone since are left out. Nothing of before can be undone. */
  restore({ template, films }) {
    const known = templateOf(template);
    if (!known) return;
    const positions = new Set(known.positions.map(({ id }) => id));
    const kept = films.filter(({ position, instance }) => positions.has(position) && this.films.has(instance));
    this.template = known;
    this.placed = new Map(kept.map(({ position, instance }) => [position, instance]));
    this.turned = new Map(kept.map(({ instance, rotate, flip }) => [instance, { rotate, flip }]));
    this.past = [];
    this.#tell();
  }

  #lay(template) {
    this.template = template;
    this.placed = place(template, [...this.films.values()]).placed;
  }

  #change(act) {
    this.past.push({ template: this.template, placed: new Map(this.placed), turned: new Map(this.turned) });
    if (this.past.length > MOST_UNDO) this.past.shift();
    act();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('changed'));
  }
}

export { TEMPLATES };
