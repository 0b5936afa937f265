import { t } from '../../../i18n.js';
import { get, post } from '../../portal.js';

/**
 * The practice's own mount of the study: read once, kept after each change, one request after the other.
 *
 * Nothing is kept for those who may only look: what they change is gone with the page.
 */
export class MountStore {
  /** @param {import('../../viewer.js').Viewer} viewer */
  constructor(viewer) {
    Object.assign(this, { viewer, root: viewer.root, revision: 0, givenWay: 0, saving: Promise.resolve() });
  }

  /** @returns {boolean} */
  get isKept() {
    return Boolean(this.root.dataset.keep);
  }

  /** @returns {Promise<{template: string, films: object[]}|null>} null where nobody has laid the films yet */
  async read() {
    const found = await get(this.root.dataset.mount);
    this.revision = found.revision;
    return found.revision ? found : null;
  }

  /** Keep the mount after each change. */
  follow(mount) {
    if (!this.isKept) return;
    mount.addEventListener('changed', () => {
      if (this.restoring) return;
      const { saved } = mount;
      const { givenWay } = this;
      // What was made of a mount that has since given way is no longer wanted.
      this.saving = this.saving.then(() => givenWay === this.givenWay && this.#save(mount, saved));
    });
  }

  async #save(mount, saved) {
    try {
      const content = { ...saved, revision: this.revision };
      const response = await post(this.root, this.root.dataset.keep, content, [409]);
      const kept = await response.json();
      this.revision = kept.revision;
      if (response.status === 409) this.#giveWay(mount, kept);
    } catch (error) {
      // Who may no longer change the study may still look.
      if (error.status === 401) this.viewer.requestFailed(error, this.viewer.panes.active);
      else this.viewer.screen.tell(t('The mount could not be saved. Change something to try again.'));
    }
  }

  #giveWay(mount, kept) {
    this.givenWay += 1;
    this.restoring = true;
    mount.restore(kept);
    this.restoring = false;
    this.viewer.screen.tell(t('Someone else has just changed this mount: theirs is shown.'));
  }
}
