import { t } from '../../i18n.js';

/** Other planes of a series of slices, and projections of it; fetched when they are first asked for. */
export function plug(viewer) {
  const { toolbar, panes } = viewer;
  let session = null;
  const isOpen = () => Boolean(session?.isOpen);
  const toggle = async () => {
    if (isOpen()) await session.close();
    else {
      const { VolumeSession } = await import('../volume/session.js');
      session ??= new VolumeSession(viewer);
      await session.open((await viewer.reading).memory);
    }
    toolbar.refresh();
  };
  toolbar.add({
    group: 'volume',
    name: 'volume',
    label: t('MPR'),
    key: 'n',
    run: toggle,
    state: () => ({ disabled: !isOpen() && !severalSlices(panes.active), pressed: isOpen() }),
  });
  toolbar.add({
    group: 'volume',
    name: 'slab',
    label: t('Slab'),
    menu: () => session.slabItems,
    state: () => ({ hidden: !panes.all.some((pane) => pane.volume) }),
  });
  // Whoever opens another series or grid over the cuts has left them.
  panes.addEventListener('opened', () => isOpen() && !panes.all.some((pane) => pane.volume) && session.leave());
}

const severalSlices = ({ hasImages, stack }) => hasImages && stack.images.length > 1;
