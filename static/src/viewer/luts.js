import { TAG, number, text, values } from './attributes.js';
import { entriesIn } from './tables.js';

/** Look-up tables of grey images: to modality values (PS3.3 §C.11.1), and to what is shown of them (§C.11.2). */

const MODALITY_LUT = '00283000';
const VOI_LUT = '00283010';
const DESCRIPTOR = '00283002';
const DATA = '00283006';

/** Values of these modalities mean something; what they look like is the reader's choice of a window. */
const MEASURED = new Set(['CT', 'PT', 'MR', 'RTDOSE']);

function tableIn(instance, tag) {
  const item = values(instance, tag)[0];
  const [count, first, bits] = values(item, DESCRIPTOR).map(Number);
  const entries = entriesIn(item?.[DATA], count || 65536);
  return entries?.length ? { first, bits: bits || 16, entries } : null;
}

const isSignedFirst = (first) => (first >= 32768 ? first - 65536 : first);

function lookedUp(numbers, { first, entries }) {
  const signed = numbers.BYTES_PER_ELEMENT * 8 <= 16 && numbers.constructor.name.startsWith('Int');
  const start = signed ? isSignedFirst(first) : first;
  const last = entries.length - 1;
  return Uint16Array.from(numbers, (value) => entries[Math.min(last, Math.max(0, value - start))]);
}

const hasWindow = (instance) => number(instance, TAG.windowWidth) !== null;

const wantsVoi = (instance) => !hasWindow(instance) && !MEASURED.has(text(instance, TAG.modality));

/** @returns {boolean} whether an image is looked up in a table before it is shown */
export function hasLuts(instance) {
  return [MODALITY_LUT, ...(wantsVoi(instance) ? [VOI_LUT] : [])].some((tag) => values(instance, tag).length > 0);
}

/** @returns {string[]} paths of tables that may have to be fetched, as bulk data names them */
export const LUT_PATHS = Object.freeze([MODALITY_LUT, VOI_LUT].map((tag) => [tag, DATA]));

/**
 * Stored values through the image's tables.
 * @param {object} instance DICOM JSON dataset
 * @param {Int8Array|Uint8Array|Int16Array|Uint16Array} numbers
 * @returns {{values: Uint16Array, range: number|null}|null} `range` is the greatest value where all of them are to be
 *   shown; null without a table
 */
export function throughLuts(instance, numbers) {
  const modality = tableIn(instance, MODALITY_LUT);
  const voi = wantsVoi(instance) ? tableIn(instance, VOI_LUT) : null;
  if (!modality && !voi) return null;
  const inModality = modality ? lookedUp(numbers, modality) : numbers;
  return voi
    ? { values: lookedUp(inModality, voi), range: 2 ** voi.bits - 1 }
    : { values: inModality, range: null };
}
