import { TAG, number, numbers, spacing } from './attributes.js';
import { element } from './dom.js';
import { markOnce } from './timing.js';

/** Pixels; the page asks for the same picture while its scripts are on their way (imaging/views/viewer.py). */
const EDGE = 1024;

/** How far apart the sides of a pixel may be and still look square. */
const SQUARE = 0.001;

function hasSquarePixels(instance) {
  const [down, across] = spacing(instance, TAG.pixelSpacing) ??
    spacing(instance, TAG.imagerPixelSpacing) ??
    numbers(instance, TAG.pixelAspectRatio, 2) ?? [1, 1];
  return Math.abs(down / across - 1) < SQUARE;
}

/**
 * The image that a pane opens with, as the portal draws it: it is there while Cornerstone still starts, and goes when
 * the image itself is drawn. On a slow line it comes several times as soon.
 */
export class Poster {
  constructor() {
    this.node = element('img', { class: 'poster', alt: '', draggable: 'false', hidden: true });
    this.node.addEventListener('load', () => this.#shown());
    this.node.addEventListener('error', () => this.hide());
  }

  /** @param {import('./series_images.js').StackImage} image hanging as it is stored */
  show({ url, instance }) {
    if (!hasSquarePixels(instance)) return;
    const edges = [TAG.columns, TAG.rows].map((tag) => Math.min(number(instance, tag), EDGE));
    this.node.src = `${url}/rendered?viewport=${edges.join()}`;
  }

  hide() {
    this.node.hidden = true;
    this.node.removeAttribute('src');
  }

  #shown() {
    this.node.hidden = false;
    requestAnimationFrame(() => markOnce('first picture'));
  }
}
