import { t } from '../../i18n.js';
import { hangings } from '../hanging/index.js';

const LAYOUTS = Object.freeze([
  { rows: 1, columns: 1, key: 'F1' },
  { rows: 1, columns: 2, key: 'F2' },
  { rows: 2, columns: 1, key: 'F3' },
  { rows: 2, columns: 2, key: 'F4' },
]);

/** How many panes, and what hangs in them. */
export function plug(viewer) {
  const { toolbar, keyboard, panes, panel } = viewer;
  toolbar.add({ group: 'layout', name: 'layout', label: t('Layout'), menu: () => items(viewer) });
  panes.addEventListener('drawn', () => findHangings(viewer), { once: true });
  for (const { rows, columns, key } of LAYOUTS) {
    const run = () => panes.layout(rows, columns);
    keyboard.add({ keys: [key], label: nameOf(rows, columns), section: t('Layout'), run });
  }
  toolbar.add({
    group: 'layout',
    name: 'maximise',
    label: t('Enlarge'),
    key: 'm',
    run: () => panes.toggleMaximised(),
    state: () => ({ hidden: panes.all.length < 2, pressed: panes.isMaximised }),
  });
  const neighbour = (step) => {
    const uid = panel.neighbour(panes.active.uid, step);
    if (uid) viewer.openSeries(uid);
  };
  keyboard.add({ keys: ['['], label: t('Previous series'), run: () => neighbour(-1) });
  keyboard.add({ keys: [']'], label: t('Next series'), run: () => neighbour(1) });
}

export function priors(viewer, studies) {
  if (studies.length) findHangings(viewer, studies);
}

const hung = new WeakMap();

/** Found out beforehand: a menu opens at once. */
async function findHangings(viewer, studies = []) {
  const { panel, panes, study } = viewer;
  const retrieve = (uid) => study.retrieveSeriesMetadata(uid);
  try {
    hung.set(viewer, await hangings(panel.series, panes.size, retrieve, studies));
  } catch {
    // The panes tell what is wrong; the menu offers grids.
  }
}

function nameOf(rows, columns) {
  return rows * columns === 1 ? t('One image') : t('{rows} × {columns} images', { rows, columns });
}

function items(viewer) {
  const { panes } = viewer;
  const grids = LAYOUTS.map(({ rows, columns, key }) => ({
    name: `layout-${rows}x${columns}`,
    label: nameOf(rows, columns),
    icon: `grid${rows}x${columns}`,
    key,
    checked: panes.rows === rows && panes.columns === columns,
    run: () => panes.layout(rows, columns),
  }));
  const known = (hung.get(viewer) ?? []).map((each) => ({
    label: each.name,
    icon: each.icon,
    run: () => viewer.hang(each),
  }));
  return [...grids, ...known];
}
