import { followed } from './links.js';
import { planeOf } from './planes.js';

const placeOf = ({ stack }) => ({ planes: stack.images.map(planeOf), index: stack.index });

/**
 * Panes that follow the active one: to the same position by themselves, by distance or window when asked.
 *
 * `byPosition` is on from the start: two series of one scan should show one place. `tied` and `windows` are asked for.
 */
export class Linking extends EventTarget {
  /** @param {import('./panes.js').Panes} panes */
  constructor(panes) {
    super();
    Object.assign(this, { panes, byPosition: true, tied: false, windows: false, links: new Map() });
    panes.addEventListener('image', ({ detail }) => this.#scrolled(detail.pane));
    panes.addEventListener('window', ({ detail }) => this.#windowed(detail.pane));
    panes.addEventListener('opened', ({ detail }) => this.#opened(detail.pane));
    panes.addEventListener('active', () => this.#tie());
  }

  /** Hold the open series as they stand against each other now, or let them go. */
  toggleTied() {
    this.tied = !this.tied;
    this.#tie();
  }

  toggleWindows() {
    this.windows = !this.windows;
    if (this.windows) this.#windowed(this.panes.active);
  }

  #tie() {
    this.links.clear();
    const { active } = this.panes;
    if (!this.tied || !active.hasImages) return;
    for (const pane of this.#others()) this.links.set(pane, { from: placeOf(active), to: placeOf(pane) });
  }

  /** A series comes at the place that another pane shows, unless it was asked for at one of its own. */
  #opened(pane) {
    this.links.delete(pane);
    const { index, sop } = pane.place;
    if (!this.byPosition || !pane.hasImages || pane.volume || index !== undefined || sop) return;
    for (const other of this.panes.all) {
      if (other === pane || !other.hasImages) continue;
      const at = followed(placeOf(other), placeOf(pane), null);
      if (at !== null) {
        pane.stack.goTo(at);
        return;
      }
    }
  }

  #others() {
    return this.panes.all.filter((pane) => pane !== this.panes.active && pane.hasImages);
  }

  #scrolled(pane) {
    const others = pane === this.panes.active ? this.#others() : [];
    if (!others.length || !(this.byPosition || this.tied)) return;
    const from = placeOf(pane);
    for (const other of others) {
      if (this.tied && !this.links.has(other)) this.links.set(other, { from, to: placeOf(other) });
      const index = followed(from, placeOf(other), this.links.get(other) ?? null);
      if (index !== null && index !== other.stack.index) other.stack.goTo(index);
    }
  }

  #windowed(pane) {
    if (pane !== this.panes.active || !pane.hasImages) return;
    const { chosenWindow, modality, inverted } = pane.stack;
    for (const other of this.#others()) {
      const sameVolume = pane.volume && pane.volume === other.volume;
      if (!sameVolume && !(this.windows && other.stack.modality === modality)) continue;
      other.stack.inverted = inverted;
      other.stack.setWindow(chosenWindow);
    }
  }
}
