import { Actions } from './actions.js';
import { Portal } from './asking.js';
import { listenToKeys } from './keys.js';
import { Live } from './live.js';
import { Rows } from './rows.js';
import { Scrub } from './scrub.js';
import { Search } from './search.js';

const root = document.getElementById('worklist');
const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
const portal = new Portal(root.dataset.list, token);
const rows = new Rows(root.querySelector('#results'));
const search = new Search(root, portal, rows);
const live = new Live(root, portal, search, rows);
const actions = new Actions(root, portal, rows, () => search.ask());
const scrub = new Scrub(rows.host);

search.form.addEventListener('input', () => live.forget());
root.querySelector('[data-save-filter]').addEventListener('submit', ({ target }) => {
  for (const [name, value] of search.fields) {
    if (['after', 'before'].includes(name) || target.elements[name]) continue;
    target.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
  }
});

function open(page) {
  const row = rows.current;
  if (row) location.assign(`${root.dataset.list}studies/${row.dataset.study}/${page}`);
}

const standing = (run) => () => rows.host.contains(document.activeElement) && run();
listenToKeys(
  root,
  {
    '/': () => search.focus(),
    ArrowDown: () => rows.move(1),
    j: () => rows.move(1),
    ArrowUp: () => rows.move(-1),
    k: () => rows.move(-1),
    ArrowLeft: standing(() => scrub.step(rows.current, -1)),
    ArrowRight: standing(() => scrub.step(rows.current, 1)),
    Enter: () => open('viewer'),
    o: standing(() => open('')),
    x: standing(() => rows.toggle()),
    u: () => actions.toggleRead(),
    s: () => actions.share(),
    a: () => actions.openDialog('assign'),
    p: () => actions.openDialog('priority'),
    Escape: () => rows.clear(),
    '?': () => document.getElementById('keys').showModal(),
  },
  { ArrowDown: () => rows.move(1), Escape: () => (search.box.value ? search.clear() : search.box.blur()) },
);
root.dataset.ready = 'true';
