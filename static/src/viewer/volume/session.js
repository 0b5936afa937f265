import { t } from '../../i18n.js';
import { CutSession } from './cut_session.js';
import { imagesOfCut } from './cuts.js';

const PLANES = () => [
  ['axial', t('Axial')],
  ['coronal', t('Coronal')],
  ['sagittal', t('Sagittal')],
  ['spin', t('MIP, turning')],
];

const MODES = () => ({ max: t('MIP'), mean: t('Mean'), min: t('MinIP') });

const SLABS = [0, 3, 5, 10, 20, 40, 100];

/** Three planes of one volume and a projection that turns. */
export class VolumeSession extends CutSession {
  /** @param {import('../viewer.js').Viewer} viewer */
  constructor(viewer) {
    super(viewer);
    this.slab = { thickness: 0, mode: 'max' };
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

  async show(pane, volume) {
    const { panes } = this.viewer;
    const { chosenWindow, inverted } = pane.stack;
    const { study, series } = pane;
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
