import { t } from '../i18n.js';
import { element } from './dom.js';
import { showIdentity } from './privacy.js';

const rounded = (value) => (Math.abs(value) < 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0));

/** Words over the images: whose they are, what they are, where one is, how they are drawn. */
export class Overlay {
  constructor() {
    this.patient = element('p', { class: 'overlay-strong identity' });
    this.study = element('p', { class: 'overlay-study' });
    this.series = element('p', { class: 'overlay-strong' });
    this.position = element('p', { class: 'overlay-counter', 'aria-live': 'off' });
    this.window = element('p', {});
    this.zoom = element('p', {});
    this.sides = Object.fromEntries(
      ['left', 'right', 'top', 'bottom'].map((side) => [side, element('p', { class: `side side-${side}` })]),
    );
    this.nodes = [
      ...Object.values(this.sides),
      element('div', { class: 'overlay top-left' }, this.patient, this.study),
      element('div', { class: 'overlay top-right' }, this.series),
      element('div', { class: 'overlay bottom-left' }, this.window, this.zoom),
      element('div', { class: 'overlay bottom-right' }, this.position),
    ];
  }

  /**
   * @param {{title: string, subtitle: string}} study whose it is and when it was made
   * @param {boolean} isOther not the study that the page is about
   */
  showStudy({ title, subtitle }, isOther) {
    showIdentity(this.patient, title);
    this.study.textContent = isOther ? `${t('Other study')} · ${subtitle}` : subtitle;
    this.study.classList.toggle('other', isOther);
  }

  clear() {
    showIdentity(this.patient, '');
    for (const node of [this.study, this.series]) node.textContent = '';
    this.showPosition(0, 0);
    this.showWindow(null);
    this.showZoom(null);
    this.showSides(null);
  }

  showSeries(title) {
    this.series.textContent = title;
  }

  /** @param {number} index from 0 */
  showPosition(index, count) {
    this.position.textContent = count ? `${index + 1} / ${count}` : '';
  }

  /** @param {{width: number, center: number}|null} window */
  showWindow(window) {
    this.window.textContent = window ? `W ${rounded(window.width)}  L ${rounded(window.center)}` : '';
  }

  /** @param {{left: string, right: string, top: string, bottom: string}|null} sides letters of the patient's sides */
  showSides(sides) {
    for (const [side, node] of Object.entries(this.sides)) {
      const letters = sides?.[side] ?? '';
      if (node.textContent !== letters) node.textContent = letters;
    }
  }

  /** @param {number|null} magnification screen pixels per image pixel */
  showZoom(magnification) {
    this.zoom.textContent = magnification ? `Zoom ${Math.round(magnification * 100)} %` : '';
  }
}
