/** Marks and key images of one study in this page: what is drawn, what was saved, and the way back. */

const MOST_STEPS = 200;

/** Names an image in the study, whichever pane or opening shows it. */
export const imageKey = ({ sop, frame }) => `${sop}/${frame}`;

let ids = 0;

/** @returns {string} */
export function newId() {
  ids += 1;
  return `mark-${ids}`;
}

/** @returns {string} a UID made of a random UUID (PS3.5 §B.2), by which later versions know the same thing again */
export function newTrackingUid() {
  return `2.25.${BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)}`;
}

/**
 * Every change makes new arrays, so that a step back is the old ones.
 *
 * Events: `changed` (marks or key images), `selected`, `shown`.
 */
export class Marks extends EventTarget {
  constructor() {
    super();
    this.state = { marks: [], keys: [], note: '' };
    this.saved = this.state;
    this.past = [];
    this.future = [];
    this.selected = '';
    this.visible = true;
  }

  get all() {
    return this.state.marks;
  }

  get keys() {
    return this.state.keys;
  }

  get note() {
    return this.state.note;
  }

  get dirty() {
    return this.state !== this.saved;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  find(id) {
    return this.all.find((mark) => mark.id === id);
  }

  /** @returns {import('./shapes.js').Mark[]} */
  on(key) {
    return this.all.filter((mark) => imageKey(mark.image) === key);
  }

  add(mark) {
    this.#change({ marks: [...this.all, mark] });
    this.select(mark.id);
  }

  replace(mark) {
    this.#change({ marks: this.all.map((each) => (each.id === mark.id ? mark : each)) });
  }

  remove(id) {
    if (!this.find(id)) return;
    this.#change({ marks: this.all.filter((mark) => mark.id !== id) });
    if (this.selected === id) this.select('');
  }

  /** All marks of this page go; a step back brings them again. */
  clear() {
    if (this.all.length) this.#change({ marks: [] });
    this.select('');
  }

  isKey(key) {
    return this.keys.some((image) => imageKey(image) === key);
  }

  toggleKey(image) {
    const key = imageKey(image);
    const others = this.keys.filter((each) => imageKey(each) !== key);
    this.#change({ keys: others.length < this.keys.length ? others : [...this.keys, image] });
  }

  setNote(note) {
    if (note !== this.note) this.#change({ note });
  }

  undo() {
    if (!this.canUndo) return;
    this.future.push(this.state);
    this.#become(this.past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.past.push(this.state);
    this.#become(this.future.pop());
  }

  select(id) {
    if (this.selected === id) return;
    this.selected = id;
    this.#tell('selected');
  }

  show(visible) {
    this.visible = visible;
    this.#tell('shown');
  }

  /** What is there now lies on the portal. */
  markSaved() {
    this.saved = this.state;
    this.#tell('changed');
  }

  /** Another version takes the place of everything; there is no step back into the one before. */
  load({ marks, keys, note }) {
    Object.assign(this, { state: { marks, keys, note }, past: [], future: [], selected: '' });
    this.saved = this.state;
    this.#tell('changed');
  }

  #change(part) {
    this.past = [...this.past, this.state].slice(-MOST_STEPS);
    this.future = [];
    this.#become({ ...this.state, ...part });
  }

  #become(state) {
    this.state = state;
    if (this.selected && !this.find(this.selected)) this.selected = '';
    this.#tell('changed');
  }

  #tell(name) {
    this.dispatchEvent(new CustomEvent(name));
  }
}
