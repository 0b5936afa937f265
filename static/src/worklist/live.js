import { tn } from '../i18n.js';

const EVERY = 10_000;
const AT_MOST = 60_000;
/** A forgotten page must not keep its session alive by asking. */
const PATIENCE = 10 * 60_000;

/**
 * Keeps the list as it is by now: what changed in a row is shown in place; studies that came, went or moved are
 * announced, and shown when they are wanted, so that nothing moves below a finger.
 */
export class Live {
  #waiting = null;
  #delay = EVERY;
  #touched = Date.now();

  constructor(root, portal, search, rows) {
    Object.assign(this, { portal, search, rows });
    this.news = root.querySelector('[data-news]');
    this.news.querySelector('button').addEventListener('click', () => this.#show());
    for (const kind of ['pointerdown', 'pointermove', 'keydown', 'focus']) {
      addEventListener(kind, () => this.#touch(), { passive: true });
    }
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#look();
    });
    this.#wait();
  }

  /** What was announced is shown, or is of another search. */
  forget() {
    this.#waiting = null;
    this.news.hidden = true;
  }

  #touch() {
    const slept = Date.now() - this.#touched > PATIENCE;
    this.#touched = Date.now();
    if (slept) this.#look();
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), this.#delay);
  }

  async #look() {
    clearTimeout(this.timer);
    if (document.hidden || Date.now() - this.#touched > PATIENCE) return;
    if (!this.portal.busy) {
      try {
        const fields = this.search.fields;
        fields.set('version', this.#waiting?.version ?? this.rows.version);
        const asked = this.search.fields.toString();
        const html = await this.portal.rows(fields);
        if (typeof html === 'string' && asked === this.search.fields.toString()) this.#take(html);
        this.#delay = EVERY;
      } catch {
        this.#delay = Math.min(AT_MOST, this.#delay * 2);
      }
    }
    this.#wait();
  }

  #take(html) {
    const { applied, fresh } = this.rows.patch(html);
    if (applied) return this.forget();
    const version = html.match(/data-version="(\w+)"/)?.[1];
    this.#waiting = { html, version };
    const text = this.news.querySelector('span');
    text.textContent = fresh.length
      ? tn('Show {count} new study', 'Show {count} new studies', fresh.length)
      : tn('Show the changed list', 'Show the changed list', 1);
    this.news.hidden = false;
    this.search.said.textContent = text.textContent;
  }

  #show() {
    const known = new Set(this.rows.list.map((row) => row.dataset.study));
    if (this.#waiting) this.rows.replace(this.#waiting.html);
    for (const row of this.rows.list) if (!known.has(row.dataset.study)) row.classList.add('row--new');
    this.forget();
  }
}
