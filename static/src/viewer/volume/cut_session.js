import { t } from '../../i18n.js';
import { whyNoVolume } from './checks.js';
import { loadVolume } from './loading.js';

/** Share of the decoded pixels' memory that one volume may take. */
const SHARE = 0.75;

/**
 * One volume read in several panes, and the way back to what was open before. Subclasses say what is cut in `show`,
 * and take off the screen in `left` what is theirs.
 */
export class CutSession {
  /** @param {import('../viewer.js').Viewer} viewer */
  constructor(viewer) {
    Object.assign(this, { viewer, opening: null, before: null });
  }

  /** @returns {boolean} whether cuts are on the screen, or on their way */
  get isOpen() {
    return Boolean(this.opening);
  }

  /**
   * Cut the active pane's series.
   * @param {number} memory bytes of decoded pixels that may be kept
   */
  async open(memory) {
    const { panes, screen } = this.viewer;
    const pane = panes.active;
    const { images } = pane.stack;
    const reason = whyNoVolume(images, memory * SHARE);
    if (reason) {
      screen.tell(reason);
      return;
    }
    const opening = (this.opening = new AbortController());
    const given = () => opening.abort();
    const told = (loaded) => screen.tell(t('Loading the volume: {loaded} of {count}', { loaded, count: images.length }));
    pane.addEventListener('closed', given);
    try {
      const volume = await loadVolume(pane.stack, told, opening.signal);
      pane.removeEventListener('closed', given);
      screen.tell('');
      this.before = placesOf(panes, pane);
      await this.show(pane, volume);
    } catch (error) {
      pane.removeEventListener('closed', given);
      this.opening = null;
      screen.tell(opening.signal.aborted ? '' : t('The volume could not be loaded: {reason}', { reason: error.message }));
    }
  }

  /** Back to the panes as they were. */
  async close() {
    this.opening?.abort();
    const { before } = this;
    this.leave();
    if (!before) return;
    const { panes } = this.viewer;
    panes.layout(before.rows, before.columns);
    await Promise.all(before.places.map((place, at) => place && panes.all[at].open(place)));
    panes.activate(panes.all[before.active]);
  }

  /** The cuts have been replaced one by one: there is nothing to go back to. */
  leave() {
    Object.assign(this, { opening: null, before: null });
    this.left();
  }

  left() {}
}

const placesOf = (panes, active) => ({
  rows: panes.rows,
  columns: panes.columns,
  active: panes.all.indexOf(active),
  places: panes.all.map((each) => each.place && { ...each.place, index: each.stack?.index }),
});
