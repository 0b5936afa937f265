import { t } from '../i18n.js';
import { element } from './dom.js';
import { MessagePanel } from './messages.js';
import { Overlay } from './overlay.js';
import { Poster } from './poster.js';
import { Slider } from './slider.js';

/**
 * Everything drawn around the images of one pane, and the state that tests and styles read from it:
 * `data-state` empty, loading, ready or error; `data-index` from 0; `data-count`.
 */
export class PaneFrame extends EventTarget {
  /** @param {{goTo: (index: number) => void, retry: () => void}} commands */
  constructor({ goTo, retry }) {
    super();
    this.overlay = new Overlay();
    this.slider = new Slider(goTo);
    this.message = new MessagePanel(retry);
    this.poster = new Poster();
    this.host = element('div', { class: 'images', 'data-testid': 'images' });
    this.content = element('div', { class: 'content', hidden: true });
    this.spinner = element('div', { class: 'spinner', role: 'status', 'aria-label': t('Loading') });
    const hint = element('p', { class: 'pane-hint' }, t('Tap a series, or drag one here'));
    this.node = element(
      'section',
      { class: 'pane', 'data-state': 'empty', tabindex: '-1', 'aria-label': t('Images') },
      this.host,
      this.poster.node,
      this.content,
      hint,
      this.spinner,
      this.message.node,
      this.overlay.nodes,
      this.slider.node,
    );
    this.fit(0);
    this.setState('empty');
  }

  get state() {
    return this.node.dataset.state;
  }

  /** @param {number} count images in the series */
  fit(count) {
    this.count = count;
    this.node.dataset.count = String(count);
    this.slider.fit(count);
    this.message.hide();
    this.overlay.showWindow(null);
    this.overlay.showZoom(null);
    this.showPosition(0);
  }

  /** Room for what is no stack of images: it brings its own words, so those over the images go. */
  showContent(kind) {
    this.content.hidden = false;
    this.node.dataset.kind = kind;
  }

  hideContent() {
    this.content.hidden = true;
    this.content.replaceChildren();
    delete this.node.dataset.kind;
  }

  /** One image is on its way. */
  wait(index) {
    this.showPosition(index);
    this.setState('loading');
  }

  showImage(index, stack) {
    this.message.hide();
    this.showPosition(index);
    this.overlay.showWindow(stack.window);
  }

  /** A message instead of one image; the others stay within reach. */
  refuse(message, index = 0) {
    this.showPosition(index);
    this.overlay.showWindow(null);
    this.overlay.showZoom(null);
    this.message.show(message);
    this.setState('error');
  }

  /** Pixels are on the screen; whoever listens is told. */
  showDrawn(magnification) {
    this.overlay.showZoom(magnification);
    this.setState('ready');
    this.dispatchEvent(new CustomEvent('drawn', { detail: { index: Number(this.node.dataset.index) } }));
  }

  showPosition(index) {
    this.node.dataset.index = String(index);
    this.overlay.showPosition(index, this.count);
    this.slider.showPosition(index);
    this.#changed();
  }

  setState(state) {
    if (state !== 'loading') this.poster.hide();
    this.node.dataset.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent('changed'));
  }
}
