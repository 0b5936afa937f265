import { RequestFailed } from '../dicomweb.js';
import { get, post } from '../portal.js';

/** Statuses of refusals that come with a reason in words. */
const EXPLAINED = Object.freeze([400, 403, 409, 503]);

/** The portal refused to keep marks; the message is its own. */
export class SaveRefused extends Error {}

/** Reading and keeping the marks of a study. */
export class MarksService {
  /** @param {HTMLElement} root `#viewer`; without `data-marks` there is nothing to ask */
  constructor(root) {
    Object.assign(this, { root, url: root.dataset.marks ?? '' });
  }

  /**
   * @returns {Promise<{versions: object[], more: boolean, may_save: boolean}>}
   * @throws {RequestFailed}
   */
  versions() {
    return get(this.url);
  }

  /**
   * @param {object} body see wire.js
   * @returns {Promise<{id: string, instances: string[], at: string}>}
   * @throws {RequestFailed|SaveRefused}
   */
  async save(body) {
    const response = await post(this.root, this.url, body, EXPLAINED);
    if (response.ok) return response.json();
    const { reason } = await response.json().catch(() => ({}));
    throw reason ? new SaveRefused(reason) : new RequestFailed(response.status);
  }
}
