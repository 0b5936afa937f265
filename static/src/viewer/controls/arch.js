import { t } from '../../i18n.js';
import { TAG, text } from '../attributes.js';
import { addCutting } from './cutting.js';

const FEWEST = 30;
const JAWS = /JAW|MANDIB|MAXILL|TEETH|TOOTH|DENT|FACE|ORAL/i;

/** Sections across a dental arch, of CT and cone beam CT. */
export function plug(viewer) {
  const { panes, root } = viewer;
  const state = () => ({ hidden: !mayShowTeeth(panes.active, root.dataset) });
  const entry = { name: 'arch', label: t('Dental'), key: 'Shift+d', state };
  addCutting(viewer, entry, async () => (await import('../hanging/arch/session.js')).ArchSession);
}

function mayShowTeeth({ hasImages, stack, volume }, { dental }) {
  const isCt = hasImages && !volume && stack.modality === 'CT' && stack.images.length >= FEWEST;
  return isCt && (Boolean(dental) || JAWS.test(text(stack.image.instance, TAG.bodyPart)));
}
