import { t } from '../../i18n.js';
import { whyNoVolume } from './checks.js';
import { imagesOfCut } from './cuts.js';
import { loadVolume } from './loading.js';

/** Share of the decoded pixels' memory that one volume may take. */
const SHARE = 0.75;

const PLANES = () => [
  ['axial', t('Axial')],
  ['coronal', t('Coronal')],
  ['sagittal', t('Sagittal')],
  ['spin', t('MIP, turning')],
];

const MODES = () => ({ max: t('MIP'), mean: t('Mean'), min: t('MinIP') });

const SLABS = [0, 3, 5, 10, 20, 40, 100];

/** One volume read in four panes, and the way back to what was open before. */
export class VolumeSession {
  /** @param {import('../viewer.js').Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.slab = { thickness: 0, mode: 'max' };
    this.opening = null;
  }

  /** @returns {boolean} whether cuts are on the screen, or on their way */
  get isOpen() {
    return Boolean(this.opening);
  }

  /**
   * Cut the active pane's series.
   * @param {number} memory bytes of decoded pixels that may be kept
   */
  async open(memory) {
    const { panes, screen } = this.viewer;
    const pane = panes.active;
    const { images } = pane.stack;
    const reason = whyNoVolume(images, memory * SHARE);
    if (reason) {
      screen.tell(reason);
      return;
    }
    const opening = (this.opening = new AbortController());
    const left = () => opening.abort();
    pane.addEventListener('closed', left);
    const onProgress = (loaded) =>
      screen.tell(t('Loading the volume: {loaded} of {count}', { loaded, count: images.length }));
    try {
      const volume = await loadVolume(pane.stack, onProgress, opening.signal);
      pane.removeEventListener('closed', left);
      screen.tell('');
      await this.#show(pane, volume);
    } catch (error) {
      pane.removeEventListener('closed', left);
      this.opening = null;
      screen.tell('');
      if (!opening.signal.aborted) screen.tell(t('The volume could not be loaded: {reason}', { reason: error.message }));
    }
  }

  /** Back to the panes as they were. */
  async close() {
    this.opening?.abort();
    this.opening = null;
    const { before } = this;
    if (!before) return;
    this.before = null;
    const { panes } = this.viewer;
    panes.layout(before.rows, before.columns);
    await Promise.all(before.places.map((place, at) => place && panes.all[at].open(place)));
    panes.activate(panes.all[before.active]);
  }

  /** The cuts have been replaced one by one: there is nothing to go back to. */
  leave() {
    this.opening = null;
    this.before = null;
  }

  /** @returns {import('../menu.js').MenuItem[]} slab thickness and what is shown of it, for every cut at once */
  get slabItems() {
    const { thickness, mode } = this.slab;
    const modes = Object.entries(MODES()).map(([name, label]) => ({
      label,
      checked: name === mode,
      run: () => this.setSlab({ thickness: thickness || 10, mode: name }),
    }));
    const thicknesses = SLABS.map((value) => ({
      label: value ? t('{value} mm', { value }) : t('One slice'),
      checked: value === thickness,
      run: () => this.setSlab({ thickness: value, mode }),
    }));
    return [...thicknesses, ...modes];
  }

  /** @param {{thickness: number, mode: 'max'|'mean'|'min'}} slab */
  async setSlab(slab) {
    this.slab = slab;
    const cuts = this.viewer.panes.all.filter((pane) => pane.volume && pane.place.plane !== 'spin');
    await Promise.all(cuts.map((pane) => this.#cut(pane, pane.place, pane.stack.index)));
  }

  async #show(pane, volume) {
    const { panes } = this.viewer;
    const { chosenWindow, inverted } = pane.stack;
    const { study, series } = pane;
    this.before = {
      rows: panes.rows,
      columns: panes.columns,
      active: panes.all.indexOf(pane),
      places: panes.all.map((each) => each.place && { ...each.place, index: each.stack?.index }),
    };
    this.slab = { thickness: 0, mode: 'max' };
    panes.layout(2, 2);
    const hung = { window: chosenWindow, inverted };
    await Promise.all(
      PLANES().map(([plane, name], at) => {
        const count = plane === 'spin' ? 1 : volume.cut(plane).count;
        const place = { study, series, volume, plane, name, hung };
        return this.#cut(panes.all[at], place, Math.floor((count - 1) / 2));
      }),
    );
    panes.activate(panes.all[0]);
  }

  #cut(pane, place, index) {
    const { chosenWindow: window, inverted } = pane.stack?.images.length && pane.volume ? pane.stack : {};
    const hung = pane.volume ? { window, inverted } : place.hung;
    const images = imagesOfCut({ ...place, slab: this.slab });
    return pane.show({ ...place, label: this.#labelOf(place) }, images, { index, ...hung });
  }

  #labelOf({ plane, name }) {
    const { thickness, mode } = this.slab;
    if (plane === 'spin' || !thickness) return name;
    return `${name} · ${MODES()[mode]} ${t('{value} mm', { value: thickness })}`;
  }
}
