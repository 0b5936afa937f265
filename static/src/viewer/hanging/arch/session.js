import { t } from '../../../i18n.js';
import { TAG } from '../../attributes.js';
import { CutSession } from '../../volume/cut_session.js';
import { asImage, bareInstance, imagesOfCut } from '../../volume/cuts.js';
import { findArch, usualArch } from './curve.js';
import { ArchLines } from './lines.js';
import { ArchSpace, OFFSETS, archLevel, panorama, placeOfSection, section, sectionPlaces } from './sections.js';

const TEETH = 1100; // Hounsfield units and above; grey values of CBCT are near enough

const valuesOf = (vr, ...found) => ({ vr, Value: found });

let sessions = 0;

/** A CBCT read as a dentist reads it: the arch on an axial image, rolled out flat, and sections across it. */
export class ArchSession extends CutSession {
  left() {
    this.lines?.remove();
    this.lines = null;
  }

  /** Another curve: panorama and sections are made anew. */
  async bend(handles) {
    this.handles = handles;
    await this.#cut();
  }

  async show(pane, volume) {
    const { panes } = this.viewer;
    const { study, series, stack } = pane;
    const hung = { window: stack.chosenWindow, inverted: stack.inverted };
    const space = new ArchSpace(volume);
    const threshold = (TEETH - volume.scale.intercept) / volume.scale.slope;
    const level = archLevel(space, threshold);
    const picture = { ...space.axial, pixels: volume.pixels('axial', level, { thickness: 6, mode: 'max' }) };
    const handles = findArch(picture, threshold) ?? usualArch(...space.extent);
    Object.assign(this, { volume, space, handles, common: { study, series, volume }, hung });
    panes.layout(2, 2);
    const place = (plane, label) => ({ ...this.common, plane, label });
    const axial = imagesOfCut({ volume, plane: 'axial' });
    const sagittal = imagesOfCut({ volume, plane: 'sagittal' });
    await Promise.all([
      panes.all[0].show(place('axial', t('Axial')), axial, { index: level, ...hung }),
      panes.all[3].show(place('sagittal', t('Sagittal')), sagittal, { index: Math.floor(sagittal.length / 2), ...hung }),
      this.#cut(),
    ]);
    panes.activate(panes.all[2]);
    this.lines = new ArchLines(panes, this);
  }

  async #cut() {
    const { panes } = this.viewer;
    const [, flat, across] = panes.all;
    const shown = (pane) => (pane.volume && pane.stack?.images.length ? { window: pane.stack.chosenWindow, inverted: pane.stack.inverted } : this.hung);
    const share = across.volume && this.places ? across.stack.index / Math.max(1, this.places.length - 1) : 0.5;
    this.places = sectionPlaces(this.handles);
    const index = Math.round(share * (this.places.length - 1));
    const deep = flat.volume ? flat.stack.index : OFFSETS.indexOf(0);
    await Promise.all([
      flat.show({ ...this.common, plane: 'panorama', label: t('Panoramic') }, this.#panoramas(), { ...shown(flat), index: deep }),
      across.show({ ...this.common, plane: 'section', label: t('Across the arch') }, this.#sections(), { ...shown(across), index }),
    ]);
  }

  /** Distances in a panorama are true only along the arch, so it claims no spacing: lengths are in pixels there. */
  #panoramas() {
    return this.#images(OFFSETS.length, (index) => ({
      instance: bareInstance(this.volume),
      draw: () => panorama(this.space, this.handles, OFFSETS[index]),
    }));
  }

  #sections() {
    const { spacing, step } = this.space.axial;
    return this.#images(this.places.length, (index) => {
      const { origin, right, down } = placeOfSection(this.space, this.places[index]);
      const instance = {
        ...bareInstance(this.volume),
        [TAG.pixelSpacing]: valuesOf('DS', step, spacing[0]),
        [TAG.imagePosition]: valuesOf('DS', ...origin),
        [TAG.imageOrientation]: valuesOf('DS', ...right, ...down),
      };
      return { instance, draw: () => section(this.space, this.places[index]) };
    });
  }

  #images(count, make) {
    sessions += 1;
    return Array.from({ length: count }, (_, index) => {
      const imageId = `cut:arch${sessions}!${index}`; // the scheme of images that are drawn here
      const { instance, draw } = make(index);
      return { imageId, url: '', sopInstanceUid: '', frame: 1, instance, draw: () => asImage(imageId, draw(), this.volume) };
    });
  }
}
