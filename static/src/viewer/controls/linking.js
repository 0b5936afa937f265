import { t } from '../../i18n.js';
import { Linking } from '../linking.js';
import { PaneLines, planeIn } from '../pane_lines.js';
import { nearestTo, planeOf, shareFrame } from '../planes.js';

/** Several series that move together, and the lines where they cut each other. */
export function plug(viewer) {
  const { toolbar, panes } = viewer;
  const linking = new Linking(panes);
  const lines = new PaneLines(panes);
  const several = () => panes.all.filter((pane) => pane.hasImages).length > 1;
  const entry = (name, label, key, run, pressed) => ({
    group: 'layout',
    name,
    label,
    key,
    run: () => {
      run();
      toolbar.refresh();
    },
    state: () => ({ hidden: panes.all.length < 2, disabled: !several(), pressed: pressed() }),
  });
  const byPosition = () => (linking.byPosition = !linking.byPosition);
  toolbar.add(entry('sync', t('Sync'), 'y', byPosition, () => linking.byPosition));
  toolbar.add(entry('tie', t('Link scroll'), 'Shift+y', () => linking.toggleTied(), () => linking.tied));
  toolbar.add(entry('same-window', t('Link window'), 'j', () => linking.toggleWindows(), () => linking.windows));
  toolbar.add(entry('lines', t('Lines'), 'x', () => lines.toggle(), () => lines.shown));
  toolbar.add({
    group: 'tools',
    name: 'crosshair',
    label: t('Point'),
    key: 'c',
    run: () => viewer.choose('crosshair'),
    state: () => ({ hidden: panes.all.length < 2, disabled: !several(), pressed: viewer.tools?.chosen === 'crosshair' }),
  });
  panes.addEventListener('layout', () => panes.all.length < 2 && lines.mark(null));
  viewer.lines = lines;
}

/** The crosshair: the reader points at a place, and every other pane shows it. */
export function ready({ tools, panes, lines }) {
  tools.add({ name: 'crosshair' });
  const point = (event) => {
    if (tools.chosen !== 'crosshair' || !event.isPrimary || !(event.buttons & 1)) return;
    const pane = panes.all.find(({ frame }) => frame.host.contains(event.target));
    const plane = pane && planeIn(pane);
    if (!plane) return;
    const at = pane.frame.host.getBoundingClientRect();
    const position = [...pane.stack.viewport.canvasToWorld([event.clientX - at.left, event.clientY - at.top])];
    lines.mark({ position, frame: plane.frame });
    for (const other of panes.all) if (other !== pane && shareFrame(planeIn(other), plane)) goTo(other, position);
  };
  panes.node.addEventListener('pointerdown', point);
  panes.node.addEventListener('pointermove', point);
}

function goTo({ stack }, position) {
  const index = nearestTo(stack.images.map(planeOf), position);
  if (index !== null && index !== stack.index) stack.goTo(index);
}
