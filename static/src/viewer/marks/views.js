import { TAG, text } from '../attributes.js';
import { applyView, isAltered, viewNotice, viewOf } from './view_state.js';
import { isOfStudy, viewsOf } from './wire.js';

/** How the series of the study are shown: as it was saved, as it is, and whether that differs. */
export class Views {
  /**
   * @param {import('../viewer.js').Viewer} viewer
   * @param {Map<object, {layer: import('./layer.js').Layer}>} seats panes that can be drawn on
   * @param {import('./store.js').Marks} marks
   */
  constructor(viewer, seats, marks) {
    Object.assign(this, { viewer, seats, marks });
    this.forget();
  }

  forget() {
    this.saved = new Map(); // by series
    this.given = new WeakMap(); // what of a pane was shown as it was saved
    this.begun = new WeakMap(); // how a pane showed its series before the reader changed that
  }

  /** Another version: its views are for every pane, once. */
  load(version) {
    this.forget();
    this.saved = viewsOf(version);
    for (const pane of this.seats.keys()) this.show(pane);
  }

  /** The version that was just saved: what is on the screen is it. */
  adopt(version) {
    this.saved = viewsOf(version);
    this.begun = new WeakMap();
    for (const pane of this.seats.keys()) this.#begin(pane);
  }

  /** A pane has drawn: the first time, as its series was saved. */
  show(pane) {
    const view = this.saved.get(pane.uid);
    const { layer } = this.seats.get(pane);
    if (!layer.map) return;
    if (view && pane.study === this.viewer.study && this.given.get(pane) !== pane.place) {
      this.given.set(pane, pane.place);
      this.begun.delete(pane);
      if (isAltered(view)) {
        applyView(pane, view, layer);
        this.viewer.screen.tell(viewNotice());
      }
    }
    if (this.begun.get(pane)?.place !== pane.place) this.#begin(pane);
  }

  /** @returns {boolean} whether the reader changed how a series is shown */
  get areNew() {
    return [...this.seats].some(([pane, { layer }]) => {
      const { image, map } = layer;
      const before = this.begun.get(pane);
      return image && map && before && isOfStudy({ image }) && fingerprint(viewOf(pane, map)) !== before.view;
    });
  }

  /** @returns {Map<string, object>} to keep: of series on the screen as they are, of others as they were saved */
  get now() {
    const views = new Map(this.saved);
    for (const [pane, { layer }] of this.seats) {
      const { image, map } = layer;
      if (!image || !map || !isOfStudy({ image })) continue;
      const view = viewOf(pane, map);
      const drawn = this.marks.all.some((mark) => mark.image.series === pane.uid);
      views.delete(pane.uid);
      if (isAltered(view) || drawn) views.set(pane.uid, { ...view, ...about(pane, image) });
    }
    return views;
  }

  #begin(pane) {
    const { map } = this.seats.get(pane).layer;
    if (map) this.begun.set(pane, { place: pane.place, view: fingerprint(viewOf(pane, map)) });
  }
}

/** Positron emission tomography scales every slice anew: a window holds for the one that is shown. */
function about(pane, image) {
  return text(pane.series, TAG.modality) === 'PT' ? { images: [image] } : {};
}

/** Equal for views that look alike. */
function fingerprint({ window, inverted, rotation, flipped, area }) {
  const rounded = (numbers) => numbers?.map((number) => Math.round(number)) ?? null;
  return JSON.stringify([rounded(window), inverted, rotation, flipped, rounded(area)]);
}
