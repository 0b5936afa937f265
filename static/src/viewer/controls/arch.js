import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';

const FEWEST = 30;
const JAWS = /JAW|MANDIB|MAXILL|TEETH|TOOTH|DENT|FACE|ORAL/i;

/** Sections across a dental arch, of CT and cone beam CT. */
export function plug(viewer) {
  const { toolbar, panes } = viewer;
  let session = null;
  const isOpen = () => Boolean(session?.isOpen);
  const toggle = async () => {
    if (isOpen()) await session.close();
    else {
      const { ArchSession } = await import('../hanging/arch/session.js');
      session ??= new ArchSession(viewer);
      await session.open((await viewer.reading).memory);
    }
    toolbar.refresh();
  };
  toolbar.add({
    group: 'volume',
    name: 'arch',
    label: t('Dental'),
    key: 'Shift+d',
    run: toggle,
    state: () => ({ hidden: !isOpen() && !mayShowTeeth(panes.active, viewer.root.dataset), pressed: isOpen() }),
  });
  panes.addEventListener('opened', () => isOpen() && !panes.all.some((pane) => pane.volume) && session.leave());
}

function mayShowTeeth({ hasImages, stack, volume }, { dental }) {
  const isCt = hasImages && !volume && stack.modality === 'CT' && stack.images.length >= FEWEST;
  return isCt && (Boolean(dental) || JAWS.test(text(stack.image.instance, TAG.bodyPart)));
}
