import { t } from '../../i18n.js';

/** Printing and exporting, where the reader may take images away. */
export function plug(viewer) {
  const { toolbar, root, panes } = viewer;
  const ready = () => Boolean(viewer.mounting?.isShown) || panes.active.hasImages;
  const state = () => ({ hidden: !root.dataset.export, disabled: !ready() });
  const run = (format) => () => show(viewer, format);
  toolbar.add({ group: 'share', name: 'export', label: t('Export'), key: 'Shift+e', run: run('pdf'), state });
  toolbar.add({ group: 'share', name: 'print', label: t('Print'), key: 'Shift+p', run: run('print'), state });
}

async function show(viewer, format) {
  const { ExportDialog } = await import('../export/dialog.js');
  viewer.exporting ??= new ExportDialog(viewer);
  viewer.exporting.show(format);
}
