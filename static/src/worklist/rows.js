import { enhanceThumbnails } from '../../ui/thumbnails.js';
import { compare } from './changes.js';

/** Rows that come at once: at the usual heights a screen of 1,080 lines shows twelve. Those below come a frame later. */
const FIRST = 14;

/** The rows of the list: which one the keyboard stands on, which are selected; both outlive a new list. */
export class Rows extends EventTarget {
  selected = new Set();
  #uids = [];
  #below = [];

  constructor(host) {
    super();
    this.host = host;
    this.currentUid = null;
    host.addEventListener('focusin', (event) => this.#stand(event.target.closest('tr[data-study]')));
    host.addEventListener('change', (event) => this.#picked(event.target));
    this.#adopt();
  }

  get list() {
    return [...this.host.querySelectorAll('tr[data-study]'), ...this.#below];
  }

  get results() {
    return this.host.querySelector('.results');
  }

  get version() {
    return this.results.dataset.version;
  }

  get isFirstPage() {
    return this.results.dataset.page === 'first';
  }

  get current() {
    return this.list.find((row) => row.dataset.study === this.currentUid) ?? null;
  }

  /** UIDs that an action is for: what is selected, else the row that the keyboard stands on. */
  get chosen() {
    if (this.selected.size) return [...this.selected];
    return this.current && this.host.contains(document.activeElement) ? [this.currentUid] : [];
  }

  /** Show another list. A row that is there already stays as it is: drawing rows is most of what a keystroke costs. */
  replace(html) {
    const held = this.host.contains(document.activeElement);
    const place = this.list.indexOf(this.current);
    const [results] = parsed(html).children;
    const tables = [this.results, results].map((each) => each.querySelector('.table'));
    this.#below = [];
    if (tables.every(Boolean) && sameHead(...tables)) this.#exchange(results, ...tables);
    else this.host.replaceChildren(results);
    this.#adopt();
    if (!held || this.host.contains(document.activeElement)) return;
    const row = this.current ?? this.list[Math.min(Math.max(place, 0), this.list.length - 1)];
    row?.querySelector('.row-link').focus({ preventScroll: true });
  }

  /**
   * Take over what changed without moving anything: false when studies came, went or stand elsewhere.
   * @returns {{applied: boolean, fresh: string[]}}
   */
  patch(html) {
    const after = [...parsed(html).querySelectorAll('tr[data-study]')].map((row) => row.dataset.study);
    const { sameOrder, fresh } = compare(this.#uids, after);
    const applied = sameOrder && after.length > 0;
    if (applied) this.replace(html);
    return { applied, fresh };
  }

  /** New rows in a table with the same columns, and what stands around it. */
  #exchange(results, table, fresh) {
    const known = new Map(this.list.map((row) => [keyOf(row), row]));
    const rows = [...fresh.tBodies[0].rows].map((row) => known.get(keyOf(row)) ?? row);
    this.#below = rows.splice(FIRST);
    exchangeChildren(table.tBodies[0], rows);
    const around = [...results.children].map((each) => (each.contains(fresh) ? table.parentElement : each));
    exchangeChildren(this.results, around);
    for (const { name, value } of results.attributes) this.results.setAttribute(name, value);
    if (this.#below.length) requestAnimationFrame(() => setTimeout(() => this.#complete()));
  }

  /** The rows below the screen. */
  #complete() {
    const rows = this.#below.splice(0);
    if (rows.length) this.host.querySelector('tbody').append(...rows);
    enhanceThumbnails(this.host);
  }

  move(step) {
    this.#complete();
    const { list } = this;
    if (!list.length) return;
    const focused = this.host.contains(document.activeElement) || step < 0;
    const at = list.indexOf(this.current);
    const next = list[Math.min(list.length - 1, Math.max(0, focused ? at + step : Math.max(at, 0)))];
    next.querySelector('.row-link').focus();
    next.scrollIntoView({ block: 'nearest' });
  }

  toggle(row = this.current) {
    if (row) this.#select(row, !this.selected.has(row.dataset.study));
  }

  clear() {
    for (const row of this.list) this.#mark(row, false);
    this.selected.clear();
    this.#markAll();
    this.dispatchEvent(new Event('selection'));
  }

  #adopt() {
    const { list } = this;
    this.#uids = list.map((row) => row.dataset.study);
    for (const uid of this.selected) if (!this.#uids.includes(uid)) this.selected.delete(uid);
    for (const row of list) this.#mark(row, this.selected.has(row.dataset.study));
    this.#markAll();
    if (!this.current) this.currentUid = list[0]?.dataset.study ?? null;
    this.#rove();
    enhanceThumbnails(this.host);
    this.dispatchEvent(new Event('selection'));
  }

  #stand(row) {
    if (!row || row.dataset.study === this.currentUid) return;
    this.currentUid = row.dataset.study;
    this.#rove();
  }

  /** One row alone can be reached by Tab: the arrows lead to the others. */
  #rove() {
    for (const row of this.list) {
      row.querySelector('.row-link').tabIndex = row.dataset.study === this.currentUid ? 0 : -1;
    }
  }

  #picked(box) {
    if (box.matches('[data-select-all]')) {
      for (const row of this.list) this.#mark(row, box.checked);
      this.#markAll();
      this.dispatchEvent(new Event('selection'));
    } else if (box.matches('[name=studies]')) this.#select(box.closest('tr'), box.checked);
  }

  #select(row, chosen) {
    this.#mark(row, chosen);
    this.#markAll();
    this.dispatchEvent(new Event('selection'));
  }

  #mark(row, chosen) {
    this.selected[chosen ? 'add' : 'delete'](row.dataset.study);
    if (row.getAttribute('aria-selected') === String(chosen)) return;
    row.setAttribute('aria-selected', String(chosen));
    row.querySelector('[name=studies]').checked = chosen;
  }

  #markAll() {
    const all = this.host.querySelector('[data-select-all]');
    if (!all) return;
    all.checked = this.list.every((each) => this.selected.has(each.dataset.study));
    all.indeterminate = !all.checked && this.selected.size > 0;
  }
}

function parsed(html) {
  const box = document.createElement('template');
  box.innerHTML = html;
  return box.content;
}

const keyOf = (row) => `${row.dataset.study} ${row.dataset.row}`;

const sameHead = (...tables) => new Set(tables.map((table) => table.tHead.textContent)).size === 1;

/** Let an element have these children, touching none that stands where it shall. */
function exchangeChildren(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
}
