import { t } from '../../i18n.js';
import { TAG, number, text, values } from '../attributes.js';
import { element } from '../dom.js';

const EVIDENCE = ['0040A375', '0040A385'];
const STUDY = '0020000D';
const SERIES_SEQUENCE = '00081115';
const SOP_SEQUENCE = '00081199';
const REFERENCED_CLASS = '00081150';
const REFERENCED_UID = '00081155';
const REFERENCED_FRAMES = '00081160';

/**
 * Where the objects lie that a document speaks of (PS3.3 §C.17.2.3).
 * @param {object} document DICOM JSON dataset
 * @returns {Map<string, {study: string, series: string}>} by SOP Instance UID
 */
export function evidenceOf(document) {
  const found = new Map();
  for (const study of EVIDENCE.flatMap((tag) => values(document, tag))) {
    for (const series of values(study, SERIES_SEQUENCE)) {
      for (const object of values(series, SOP_SEQUENCE)) {
        found.set(text(object, REFERENCED_UID), {
          study: text(study, STUDY),
          series: text(series, TAG.seriesInstanceUid),
        });
      }
    }
  }
  return found;
}

/**
 * What a content item refers to.
 * @param {object} item with a Referenced SOP Sequence
 * @returns {{sopClass: string, sop: string, frame: number|null}[]}
 */
export function referencesOf(item) {
  return values(item, SOP_SEQUENCE).map((object) => ({
    sopClass: text(object, REFERENCED_CLASS),
    sop: text(object, REFERENCED_UID),
    frame: number(object, REFERENCED_FRAMES),
  }));
}

/**
 * A link to an image of this study, which opens it where one reads; plain words for anything else.
 * @param {{sop: string, frame: number|null}} reference
 * @param {{place: {study: string, series: string}|undefined, own: string, open?: Function}} where `own` is the UID of
 *   the study on the screen
 * @param {string} words
 * @returns {HTMLElement}
 */
export function linkTo({ sop, frame }, { place, own, open }, words) {
  if (!place || place.study !== own) {
    return element('span', {}, place ? t('{what} of another study', { what: words }) : words);
  }
  const query = new URLSearchParams({ series: place.series, instance: sop });
  if (frame) query.set('frame', String(frame));
  const onclick = (event) => {
    if (!open || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open({ series: place.series, sop, frame });
  };
  return element('a', { class: 'kind-link', href: `?${query}`, onclick }, words);
}
