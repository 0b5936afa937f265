import { t } from '../../i18n.js';
import { addCutting } from './cutting.js';

/** Other planes of a series of slices, and projections of it. */
export function plug(viewer) {
  const { toolbar, panes } = viewer;
  const entry = { name: 'volume', label: t('MPR'), key: 'n', state: () => ({ disabled: !severalSlices(panes.active) }) };
  const session = addCutting(viewer, entry, async () => (await import('../volume/session.js')).VolumeSession);
  toolbar.add({
    group: 'volume',
    name: 'slab',
    label: t('Slab'),
    menu: () => session().slabItems,
    state: () => ({ hidden: !panes.all.some((pane) => pane.volume) }),
  });
}

const severalSlices = ({ hasImages, stack }) => hasImages && stack.images.length > 1;
