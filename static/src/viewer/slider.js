import { element } from './dom.js';

/** A vertical slider along the images, wide enough for a thumb; it also shows how much has arrived. */
export class Slider {
  /** @param {(index: number) => void} onMove */
  constructor(onMove) {
    Object.assign(this, { onMove, count: 0 });
    this.fill = element('span', { class: 'slider-loaded' });
    this.thumb = element('span', { class: 'slider-thumb' });
    this.track = element('span', { class: 'slider-track' }, this.fill, this.thumb);
    const attributes = {
      class: 'slider',
      role: 'slider',
      tabindex: '0',
      'aria-label': 'Image',
      hidden: true,
    };
    this.node = element('div', { ...attributes, 'aria-orientation': 'vertical' }, this.track);
    this.node.addEventListener('pointerdown', (event) => this.#grab(event));
    this.node.addEventListener('pointermove', (event) => this.#drag(event));
  }

  /** @param {number} count images in the series */
  fit(count) {
    this.count = count;
    this.node.hidden = count < 2;
    this.node.setAttribute('aria-valuemin', '1');
    this.node.setAttribute('aria-valuemax', String(count));
    this.showLoaded(0);
  }

  /** @param {number} index from 0 */
  showPosition(index) {
    const share = this.count > 1 ? index / (this.count - 1) : 0;
    this.thumb.style.top = `${share * 100}%`;
    this.node.setAttribute('aria-valuenow', String(index + 1));
    this.node.setAttribute('aria-valuetext', `${index + 1} of ${this.count}`);
  }

  showLoaded(loaded) {
    this.fill.style.height = `${this.count ? Math.min(100, (loaded / this.count) * 100) : 0}%`;
  }

  #grab(event) {
    this.node.setPointerCapture(event.pointerId);
    this.#follow(event);
  }

  #drag(event) {
    if (this.node.hasPointerCapture(event.pointerId)) this.#follow(event);
  }

  #follow(event) {
    const { top, height } = this.track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientY - top) / height));
    this.onMove(Math.round(share * (this.count - 1)));
  }
}
