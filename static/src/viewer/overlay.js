import { element } from './dom.js';

const rounded = (value) => (Math.abs(value) < 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0));

/** Words over the images: whose they are, what they are, where one is, how they are drawn. */
export class Overlay {
  /** @param {{title: string, subtitle: string}} identity patient and study, as the page states them */
  constructor({ title, subtitle }) {
    this.series = element('p', { class: 'overlay-strong' });
    this.position = element('p', { class: 'overlay-counter', 'aria-live': 'off' });
    this.window = element('p', {});
    this.zoom = element('p', {});
    this.nodes = [
      element(
        'div',
        { class: 'overlay top-left' },
        element('p', { class: 'overlay-strong' }, title),
        element('p', {}, subtitle),
      ),
      element('div', { class: 'overlay top-right' }, this.series),
      element('div', { class: 'overlay bottom-left' }, this.window, this.zoom),
      element('div', { class: 'overlay bottom-right' }, this.position),
    ];
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

  /** @param {number|null} magnification screen pixels per image pixel */
  showZoom(magnification) {
    this.zoom.textContent = magnification ? `Zoom ${Math.round(magnification * 100)} %` : '';
  }
}
