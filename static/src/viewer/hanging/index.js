import { t } from '../../i18n.js';
import { TAG, number, text, values } from '../attributes.js';
import { imagesOf } from '../series_images.js';
import { hangMammograms, hangWithPrior } from './mammography.js';

/**
 * @typedef {object} Cell what one pane shows
 * @property {import('../dicomweb.js').DicomwebStudy} [study] where it is another than the one that is read
 * @property {object} series DICOM JSON dataset of the series
 * @property {number} [index] image to begin with
 * @property {boolean} [flip] left and right exchanged
 * @property {number} [rotate] degrees clockwise
 * @property {string} [label]
 * @property {'left'|'right'} [edge] where the chest wall is, of a mammogram
 *
 * @typedef {object} Hanging
 * @property {string} name as the layout menu calls it
 * @property {string} icon its picture there
 * @property {number} rows
 * @property {number} columns
 * @property {(Cell|null)[]} cells by rows
 * @property {boolean} [together] at one scale, each at its edge
 * @property {boolean} [asked] only where the reader asks for it
 *
 * @typedef {(seriesInstanceUid: string) => Promise<object[]>} Retrieve a series' metadata
 */

const RADIOGRAPHS = new Set(['CR', 'DX', 'RG']);
const SECTIONS = new Set(['CT', 'MR', 'PT', 'NM']);
const WIDE = 700;
const MOST_MAMMOGRAMS = 24; // series: of more, nobody wants four of them
const PATIENT_ORIENTATION = '00200020';
const VIEW_POSITION = '00185101';
const FRONTAL = new Set(['PA', 'AP', 'FRONTAL']);

const modalityOf = (series) => text(series, TAG.modality);
const countOf = (series) => number(series, TAG.seriesInstanceCount) ?? 0;

/**
 * How a study wants to be hung, the best first; none where one pane is right.
 * @param {object[]} studySeries DICOM JSON datasets, in the order of the series panel
 * @param {{width: number, height: number}} size CSS pixels of the stage
 * @param {Retrieve} [retrieve] for what only images say: which view of which side they are
 * @param {import('../dicomweb.js').DicomwebStudy[]} [priors] the patient's other studies, newest first
 * @returns {Promise<Hanging[]>}
 */
export async function hangings(studySeries, size, retrieve, priors = []) {
  const wide = size.width >= WIDE;
  const found = [
    ...(retrieve ? await mammograms(studySeries, retrieve, wide ? priors : []) : []),
    wide && (await radiographs(studySeries, retrieve)),
    wide && sections(studySeries),
    wide && ultrasound(studySeries),
  ];
  return found.filter(Boolean);
}

/**
 * The hanging a study opens with.
 * @returns {Promise<Hanging|null>}
 */
export async function hang(studySeries, size, retrieve) {
  const [first] = await hangings(studySeries, size, retrieve);
  return first && !first.asked ? first : null;
}

/** Today's views, and above those of the latest study that holds mammograms too. */
async function mammograms(studySeries, retrieve, priors) {
  const today = await mammogramsIn(studySeries, retrieve);
  if (!today.length) return [];
  return [hangMammograms(today), await withPrior(today, priors)];
}

async function mammogramsIn(studySeries, retrieve) {
  const series = studySeries.filter((each) => modalityOf(each) === 'MG');
  return series.length > MOST_MAMMOGRAMS ? [] : imagesIn(series, retrieve);
}

async function withPrior(today, priors) {
  const study = priors.find(({ modalities = [] }) => modalities.includes('MG'));
  if (!study) return null;
  const series = await study.searchForSeries();
  const images = await mammogramsIn(series, (uid) => study.retrieveSeriesMetadata(uid));
  return hangWithPrior(today, images.map((image) => ({ ...image, study })));
}

async function imagesIn(series, retrieve) {
  const metadata = await Promise.all(series.map((each) => retrieve(text(each, TAG.seriesInstanceUid))));
  return series.flatMap((each, at) =>
    imagesOf(metadata[at], () => '').images.map(({ instance }, index) => ({ series: each, instance, index })),
  );
}

/** Two or three views of one radiograph side by side, as on a light box: frontal first, then lateral. */
async function radiographs(studySeries, retrieve) {
  const all = studySeries.length > 1 && studySeries.length < 4;
  if (!all || !studySeries.every((each) => RADIOGRAPHS.has(modalityOf(each)) && countOf(each) === 1)) return null;
  const cells = studySeries.map((series) => ({ series }));
  const sorted = retrieve ? await frontalFirst(cells, retrieve) : cells;
  return { name: t('Views side by side'), icon: `grid1x${cells.length}`, rows: 1, columns: cells.length, cells: sorted };
}

async function frontalFirst(cells, retrieve) {
  const metadata = await Promise.all(cells.map(({ series }) => retrieve(text(series, TAG.seriesInstanceUid))));
  const ranks = new Map(cells.map((cell, at) => [cell, isFrontal(metadata[at][0]) ? 0 : 1]));
  return [...cells].sort((a, b) => ranks.get(a) - ranks.get(b));
}

/** By its view, or where columns and rows go: across the patient and down to the feet. */
export function isFrontal(instance) {
  const [across = '', down = ''] = values(instance, PATIENT_ORIENTATION).map(String);
  return FRONTAL.has(text(instance, VIEW_POSITION).toUpperCase()) || (/^[LR]/.test(across) && down.startsWith('F'));
}

/** Series of slices side by side; the reader asks for it, one series opens alone. */
function sections(studySeries) {
  const series = studySeries.filter((each) => SECTIONS.has(modalityOf(each)) && countOf(each) > 1);
  if (series.length < 2) return null;
  const columns = 2;
  const rows = series.length > 2 ? 2 : 1;
  const cells = Array.from({ length: rows * columns }, (_, at) => (series[at] ? { series: series[at] } : null));
  return { name: t('Series side by side'), icon: `grid${rows}x2`, rows, columns, cells, asked: true };
}

/** Ultrasound clips and stills, four at a time. */
function ultrasound(studySeries) {
  const series = studySeries.filter((each) => ['US', 'IVUS'].includes(modalityOf(each)));
  if (series.length < 2) return null;
  const cells = Array.from({ length: 4 }, (_, at) => (series[at] ? { series: series[at] } : null));
  return { name: t('Clips side by side'), icon: 'grid2x2', rows: 2, columns: 2, cells, asked: true };
}
