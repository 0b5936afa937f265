import { t } from '../../../i18n.js';
import { TAG, text } from '../../attributes.js';
import { element } from '../../dom.js';
import { icon } from '../../icons.js';
import { endsReading } from '../../messages.js';
import { imagesOf } from '../../series_images.js';
import { filmOf } from '../films.js';
import { Mount } from '../mount.js';
import { MountStore } from './store.js';
import { MountView } from './view.js';

const MOST_FILMS = 60;

/** The mount of the study in the viewer: in place of the panes, or behind the film that is open large. */
export class Mounting {
  /**
   * @param {import('../../viewer.js').Viewer} viewer
   * @param {object[]} series DICOM JSON datasets that hold films
   */
  constructor(viewer, series) {
    Object.assign(this, { viewer, series, view: null, back: '' });
    const onclick = () => this.#show();
    this.button = element(
      'button',
      { class: 'mount-back', type: 'button', hidden: true, onclick },
      icon('mount'),
      element('span', {}, t('Back to the mount')),
      element('kbd', {}, 'Esc'),
    );
    viewer.root.append(this.button);
    // What may no longer be seen leaves the screen.
    viewer.panes.addEventListener('closed', () => viewer.ended && this.#end());
    // A series chosen beside the mount is read in the panes.
    viewer.panes.addEventListener('opening', () => this.isShown && this.#giveWay());
    // Before the table of keys, where Escape closes menus.
    document.addEventListener('keydown', (event) => this.#escape(event), { capture: true });
  }

  /** @returns {boolean} whether the mount is what the reader sees */
  get isShown() {
    return Boolean(this.view && !this.view.node.hidden);
  }

  /** @returns {Promise<boolean>} whether there is something to mount */
  async open() {
    this.opening ??= this.#open().catch((error) => {
      this.opening = null;
      throw error;
    });
    const opened = await this.opening;
    if (opened) this.#show();
    else this.viewer.screen.tell(t('This study holds no film for a mount'));
    return opened;
  }

  /** Back to the panes; what was never opened there opens now. */
  async leave() {
    this.#hide();
    this.button.hidden = true;
    const { viewer } = this;
    if (!viewer.panes.active.place) await viewer.openSeries(viewer.panel.first());
  }

  async #open() {
    const { viewer } = this;
    const films = await this.#readFilms();
    if (!films.length) return false;
    const store = new MountStore(viewer);
    const mount = new Mount(films.slice(0, MOST_FILMS));
    const kept = await store.read().catch((error) => {
      if (endsReading(error)) throw error;
      return null;
    });
    if (kept) mount.restore(kept);
    store.follow(mount);
    this.mount = mount;
    this.view = new MountView(mount, viewer.study, store);
    this.view.addEventListener('open', ({ detail }) => this.#enlarge(detail));
    this.view.addEventListener('leave', () => this.leave());
    viewer.root.append(this.view.node);
    return true;
  }

  async #readFilms() {
    const { study } = this.viewer;
    const uids = this.series.map((series) => text(series, TAG.seriesInstanceUid));
    const metadata = await Promise.all(uids.map((uid) => study.retrieveSeriesMetadata(uid)));
    return this.series.flatMap((series, at) => {
      const { images } = imagesOf(metadata[at], () => '');
      return images.flatMap(({ instance, frame }, index) => (frame === 1 ? [filmOf(instance, series, index)] : []));
    });
  }

  async #enlarge({ film, turn, label, position }) {
    const { viewer } = this;
    this.back = position ?? '';
    this.#giveWay();
    viewer.panes.layout(1, 1);
    const { series, index } = film;
    await viewer.panes.all[0].open({ study: viewer.study, series, index, ...turn, label });
    viewer.panes.all[0].node.focus();
  }

  #show() {
    if (this.viewer.ended || !this.view) return;
    this.view.node.hidden = false;
    this.button.hidden = true;
    this.viewer.panes.node.inert = true;
    this.viewer.root.dataset.view = 'mount';
    this.view.focus(this.back);
    this.viewer.toolbar.refresh();
  }

  #giveWay() {
    this.#hide();
    this.button.hidden = false;
  }

  #hide() {
    this.view.node.hidden = true;
    this.viewer.panes.node.inert = false;
    delete this.viewer.root.dataset.view;
    this.viewer.toolbar.refresh();
  }

  #end() {
    this.view?.node.remove();
    this.button.remove();
    this.view = null;
  }

  #escape(event) {
    const busy = this.button.hidden || this.viewer.menu.opener || event.target.closest?.('dialog');
    if (event.key !== 'Escape' || busy) return;
    event.preventDefault();
    event.stopPropagation();
    this.#show();
  }
}
