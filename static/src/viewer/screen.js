import { t } from '../i18n.js';
import { element } from './dom.js';
import { icon } from './icons.js';
import { markOnce } from './timing.js';

/**
 * The page around the panes. `#viewer` carries the state of the active pane for tests and styles: `data-state`,
 * `data-index` from 0, `data-count`; and `data-drawing`, processor or webgl.
 */
export class Screen {
  /**
   * @param {HTMLElement} root `#viewer`
   * @param {{panes: object, panel: object, toolbar: object, menu: object, help: object}} parts
   */
  constructor(root, { panes, panel, toolbar, menu, help }) {
    Object.assign(this, { root, panes });
    const home = element(
      'a',
      { class: 'tool back', href: root.dataset.back || '/' },
      icon('back'),
      element('span', { class: 'tool-label' }, t('Back')),
    );
    this.told = element('p', { class: 'told', role: 'status' });
    root.replaceChildren(home, toolbar.node, panel.node, panes.node, menu.node, help.node, this.told);
    for (const name of ['changed', 'active', 'layout']) panes.addEventListener(name, () => this.#mirror());
    panes.addEventListener('drawn', ({ detail }) => this.#drawn(detail));
    this.#mirror();
  }

  /** One line for a moment, read aloud too. */
  tell(line) {
    clearTimeout(this.telling);
    this.told.textContent = line;
    this.telling = setTimeout(() => (this.told.textContent = ''), 5000);
  }

  #mirror() {
    const { state, index, count } = this.panes.active.node.dataset;
    Object.assign(this.root.dataset, { state: state === 'empty' ? 'loading' : state, index, count });
  }

  #drawn({ pane, index }) {
    if (pane === this.panes.active) {
      markOnce('first image');
      this.root.dispatchEvent(new CustomEvent('viewer:rendered', { detail: { index } }));
    }
  }
}
