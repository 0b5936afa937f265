import { t, tn } from '../i18n.js';
import { Refused, Typing } from './asking.js';

/** After so long (ms) the rows pale: to pale and come back for each keystroke is twice the drawing. */
const LATE = 250;

/** The search form: every change asks for rows, and the rows that are there stay until the new ones come. */
export class Search {
  #page = new Map();
  #late = null;
  #typing = new Typing((settled) => this.ask({ settled }));

  constructor(root, portal, rows) {
    Object.assign(this, { portal, rows });
    this.form = root.querySelector('#search');
    this.box = this.form.elements.words;
    this.said = root.querySelector('[data-said]');
    this.clearButton = this.form.querySelector('[data-search-clear]');
    root.querySelectorAll('[data-needs-script]').forEach((each) => (each.hidden = false));
    const more = root.querySelector('[data-more]');
    more.addEventListener('click', () => more.setAttribute('aria-expanded', more.ariaExpanded !== 'true'));
    this.form.addEventListener('input', () => this.#changed());
    this.form.addEventListener('submit', (event) => this.#submit(event));
    rows.host.addEventListener('click', (event) => this.#turn(event));
  }

  /** What is looked for and where the page begins. */
  get fields() {
    const fields = new URLSearchParams(new FormData(this.form));
    fields.delete('csrfmiddlewaretoken');
    for (const [name, value] of this.#page) fields.set(name, value);
    return fields;
  }

  get isEmpty() {
    return ![...this.fields].some(([, value]) => value);
  }

  /** Ask for rows and show them. */
  async ask({ settled = false } = {}) {
    const fields = this.fields;
    if (settled) fields.set('settled', '1');
    if (settled) fields.set('version', this.rows.version);
    const html = await this.#rows(fields);
    if (typeof html === 'string') this.rows.replace(html);
    if (settled && html !== undefined) this.#say();
    this.clearButton.toggleAttribute('data-idle', this.isEmpty);
  }

  /** Begin to type another search. */
  focus() {
    this.box.focus();
    this.box.select();
  }

  clear() {
    this.form.reset();
    for (const each of this.form.elements) {
      if (each.type === 'checkbox') each.checked = false;
      else if (each.matches('input:not([type=hidden]), select')) each.value = '';
    }
    this.#changed();
  }

  async #rows(fields) {
    const { host } = this.rows;
    host.setAttribute('aria-busy', 'true');
    this.#late ??= setTimeout(() => host.setAttribute('data-late', ''), LATE);
    try {
      return await this.portal.rows(fields);
    } catch (error) {
      this.#failed(error);
      return undefined;
    } finally {
      if (!this.portal.busy) this.#rest();
    }
  }

  #rest() {
    clearTimeout(this.#late);
    this.#late = null;
    this.rows.host.setAttribute('aria-busy', 'false');
    this.rows.host.removeAttribute('data-late');
  }

  #failed(error) {
    if (error instanceof Refused && [401, 403, 404].includes(error.status)) location.reload();
    else if (!(error instanceof Refused && error.status === 400)) {
      this.said.textContent = t('The connection is away. The rows are those found last.');
    }
  }

  #changed() {
    this.#page.clear();
    this.#typing.changed();
  }

  #submit(event) {
    event.preventDefault();
    this.#typing.cancel();
    if (event.submitter?.name === 'clear') this.clear();
    else this.ask({ settled: true });
  }

  /** A page on or back, without loading everything anew. */
  #turn(event) {
    const link = event.target.closest('.pagination a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#page = new URLSearchParams(new URL(link.href).search);
    this.ask({ settled: true }).then(() => {
      this.rows.list[0]?.querySelector('.row-link').focus({ preventScroll: true });
      this.rows.host.scrollIntoView({ block: 'start' });
    });
  }

  #say() {
    const count = this.rows.list.length;
    this.said.textContent = count
      ? tn('{count} study is shown.', '{count} studies are shown.', count)
      : t('Nothing found');
  }
}
