import { element } from './dom.js';
import { helpDialog } from './help.js';
import { icon } from './icons.js';
import { MessagePanel } from './messages.js';
import { Overlay } from './overlay.js';
import { Slider } from './slider.js';
import { Toolbar } from './toolbar.js';

/**
 * Everything drawn around the images, and the state that tests and styles read from `#viewer`:
 * `data-state` loading, ready or error; `data-index` from 0; `data-count`; `data-drawing` processor or webgl.
 */
export class Screen {
  /**
   * @param {HTMLElement} root `#viewer`
   * @param {HTMLElement} panel the list of series
   * @param {Object<string, Function>} commands
   */
  constructor(root, panel, commands) {
    const { title = '', subtitle = '', back = '' } = root.dataset;
    this.root = root;
    this.overlay = new Overlay({ title, subtitle });
    this.toolbar = new Toolbar(commands);
    this.slider = new Slider(commands.goTo);
    this.message = new MessagePanel(commands.retry);
    this.help = helpDialog();
    this.host = element('div', { class: 'images', 'data-testid': 'images' });
    this.spinner = element('div', { class: 'spinner', role: 'status', 'aria-label': 'Loading' });
    const stage = element(
      'section',
      { class: 'stage', 'aria-label': 'Images' },
      this.host,
      this.spinner,
      this.message.node,
      this.overlay.nodes,
      this.slider.node,
    );
    const home = element(
      'a',
      { class: 'tool back', href: back || '/' },
      icon('back'),
      element('span', { class: 'tool-label' }, 'Back'),
    );
    root.replaceChildren(home, this.toolbar.node, panel, stage, this.toolbar.menu, this.help);
    this.toolbar.allow({ ct: false, count: 0, measured: false });
    this.#setState('loading');
  }

  /** @param {number} count images in the series */
  fit(count) {
    this.count = count;
    this.root.dataset.count = String(count);
    this.slider.fit(count);
    this.message.hide();
    this.overlay.showWindow(null);
    this.overlay.showZoom(null);
    this.#showPosition(0);
    this.#setState('loading');
  }

  /** One image is on its way. */
  wait(index) {
    this.#showPosition(index);
    this.#setState('loading');
  }

  showImage(index, stack) {
    this.message.hide();
    this.#showPosition(index);
    this.showWindow(stack);
  }

  showWindow(stack) {
    this.overlay.showWindow(stack.window);
    this.toolbar.markInverted(stack.inverted);
  }

  /** A message instead of one image; the others stay within reach. */
  refuse(message, index = 0) {
    this.#showPosition(index);
    this.overlay.showWindow(null);
    this.overlay.showZoom(null);
    this.message.show(message);
    this.#setState('error');
  }

  /** Pixels are on the screen; whoever listens is told. */
  showDrawn(magnification) {
    this.overlay.showZoom(magnification);
    this.#setState('ready');
    this.root.dispatchEvent(
      new CustomEvent('viewer:rendered', { detail: { index: Number(this.root.dataset.index) } }),
    );
  }

  #showPosition(index) {
    this.root.dataset.index = String(index);
    this.overlay.showPosition(index, this.count ?? 0);
    this.slider.showPosition(index);
  }

  #setState(state) {
    this.root.dataset.state = state;
  }
}
