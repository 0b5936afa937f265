import { t } from '../../i18n.js';
import { TAG, number, text, values } from '../attributes.js';

/**
 * Mammograms as they hang on a light box: cranio-caudal above, medio-lateral oblique below, the right breast on the
 * left and the chest walls together in the middle, the axilla or outer side up (PS3.17 §V; IHE Mammography Image).
 */

const CODE_VALUE = '00080100';
const VIEW_POSITION = '00185101';
const IMAGE_LATERALITY = '00200062';
const LATERALITY = '00200060';
const VIEW_CODE = '00540220';
const PATIENT_ORIENTATION = '00200020';
const SHARED_GROUPS = TAG.sharedGroups;
const FRAME_ANATOMY = '00209071';
const FRAME_LATERALITY = '00209072';

/** View Code Sequence, CID 4014: SNOMED CT and SNOMED-RT. */
const VIEWS = Object.freeze({
  399162004: 'CC', 'R-10242': 'CC', 399192008: 'CC', 'R-1024A': 'CC', 399101009: 'CC', 'R-1024B': 'CC',
  399368009: 'MLO', 'R-10226': 'MLO',
  399260004: 'ML', 'R-10224': 'ML', 399352003: 'LM', 'R-10228': 'LM',
});

const WRITTEN = Object.freeze({ CC: 'CC', XCCL: 'CC', XCCM: 'CC', MLO: 'MLO', ML: 'ML', LM: 'LM' });

/** Places of a standard examination, by rows. */
const PLACES = Object.freeze([
  ['R', 'CC'],
  ['L', 'CC'],
  ['R', 'MLO'],
  ['L', 'MLO'],
]);

/**
 * @param {object} instance DICOM JSON dataset
 * @returns {{side: ''|'R'|'L', view: string}}
 */
export function viewOf(instance) {
  const coded = VIEWS[text(values(instance, VIEW_CODE)[0], CODE_VALUE)];
  const side = text(instance, IMAGE_LATERALITY) || text(instance, LATERALITY) || frameLaterality(instance);
  const view = coded ?? WRITTEN[text(instance, VIEW_POSITION).toUpperCase()] ?? '';
  return { side: side === 'R' || side === 'L' ? side : '', view };
}

function frameLaterality(instance) {
  const anatomy = values(values(instance, SHARED_GROUPS)[0], FRAME_ANATOMY)[0];
  return text(anatomy, FRAME_LATERALITY);
}

/**
 * How an image must be turned so that its chest wall is in the middle and its axilla or outer side up.
 *
 * Patient Orientation (PS3.3 §C.7.6.1.1.1) says where columns and rows go: a right breast hangs with its columns
 * towards the chest wall (posterior), a left one away from it; rows go to the foot, or of a cranio-caudal image inwards.
 * @returns {{flip: boolean, rotate: number}}
 */
export function turnOf(instance) {
  const { side, view } = viewOf(instance);
  const [across = '', down = ''] = values(instance, PATIENT_ORIENTATION).map(String);
  const wanted = side === 'R' ? 'P' : 'A';
  const mirrored = /^[AP]/.test(across) && across[0] !== wanted;
  const inwards = side === 'R' ? 'L' : 'R';
  const upsideDown = view === 'CC' ? /^[LR]/.test(down) && down[0] !== inwards : down.startsWith('H');
  // Up and down exchanged is a half turn and left and right exchanged.
  return { flip: mirrored !== upsideDown, rotate: upsideDown ? 180 : 0 };
}

/**
 * @param {{series: object, instance: object, index: number}[]} images of the study's MG series
 * @returns {import('./index.js').Hanging|null} null where fewer than two of the four views are there
 */
export function hangMammograms(images) {
  const cells = PLACES.map(([side, view]) => cellFor(images, side, view));
  if (cells.filter(Boolean).length < 2) return null;
  const rows = cells.slice(2).some(Boolean) && cells.slice(0, 2).some(Boolean) ? 2 : 1;
  const shown = rows === 2 ? cells : cells.slice(0, 2).some(Boolean) ? cells.slice(0, 2) : cells.slice(2);
  return { name: t('Mammograms back to back'), icon: 'hang-mammograms', rows, columns: 2, cells: shown, together: true };
}

/**
 * The four views of today above those of an earlier study.
 * @param {object[]} images of today
 * @param {object[]} earlier of the prior, each with its `study`
 * @returns {import('./index.js').Hanging|null} null where either has fewer than two of the views
 */
export function hangWithPrior(images, earlier) {
  const rows = [images, earlier].map((each) => PLACES.map(([side, view]) => cellFor(each, side, view)));
  if (rows.some((cells) => cells.filter(Boolean).length < 2)) return null;
  const name = t('Mammograms above earlier ones');
  return { name, icon: 'grid2x2', rows: 2, columns: 4, cells: rows.flat(), together: true, asked: true };
}

/** The largest image of a view stands for it: spot views and magnifications are smaller. */
function cellFor(images, side, view) {
  const found = images.filter(({ instance }) => {
    const own = viewOf(instance);
    return own.side === side && own.view === view;
  });
  const area = ({ instance }) => (number(instance, TAG.rows) ?? 0) * (number(instance, TAG.columns) ?? 0);
  const [best] = found.sort((a, b) => area(b) - area(a) || a.index - b.index);
  if (!best) return null;
  const label = `${side} ${view}`;
  const edge = side === 'R' ? 'right' : 'left';
  const study = best.study ? { study: best.study } : {};
  return { ...study, series: best.series, index: best.index, ...turnOf(best.instance), label, edge };
}
