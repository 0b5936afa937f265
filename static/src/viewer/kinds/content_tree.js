import { number, text, values } from '../attributes.js';

/** The content tree of a structured report (PS3.3 §C.17.3) as plain objects, without its codes' codes. */

const NAME = '0040A043';
const CONTENT = '0040A730';
const MOST_ITEMS = 5000;
const DEEPEST = 24;

/** @returns {string} what a code means in words (PS3.3 §8.3) */
export function meaning(item, tag) {
  const code = values(item, tag)[0];
  return text(code, '00080104') || text(code, '00080100') || text(code, '00080119');
}

/** Units of UCUM that people write in another way. */
const WRITTEN = Object.freeze({
  "[hnsf'U]": 'HU',
  um: 'µm',
  um2: 'µm²',
  mm2: 'mm²',
  mm3: 'mm³',
  cm2: 'cm²',
  cm3: 'cm³',
  deg: '°',
  Cel: '°C',
  'g/ml{SUVbw}': 'g/ml (SUV)',
});

function unitOf(measured) {
  const unit = values(measured, '004008EA')[0];
  const [code, words] = [text(unit, '00080100'), text(unit, '00080104')];
  if (code === '1' || /^no units$/i.test(words)) return '';
  if (WRITTEN[code]) return WRITTEN[code];
  return text(unit, '00080102') === 'UCUM' && !/^[{[]/.test(code) ? code : words || code;
}

function measurement(item) {
  const measured = values(item, '0040A300')[0];
  const value = text(measured, '0040A30A');
  return value ? { value, unit: unitOf(measured) } : { value: meaning(item, '0040A301'), unit: '' };
}

/** By value type (PS3.3 Table C.17.3-7): what of an item is read. */
const READERS = Object.freeze({
  TEXT: (item) => ({ text: text(item, '0040A160') }),
  CODE: (item) => ({ text: meaning(item, '0040A168') }),
  NUM: (item) => ({ measured: measurement(item) }),
  DATE: (item) => ({ date: text(item, '0040A121') }),
  TIME: (item) => ({ time: text(item, '0040A122') }),
  DATETIME: (item) => ({ date: text(item, '0040A120'), time: text(item, '0040A120').slice(8) }),
  PNAME: (item) => ({ person: values(item, '0040A123')[0] ?? '' }),
  UIDREF: () => ({ technical: true }),
  IMAGE: (item) => ({ reference: item }),
  COMPOSITE: (item) => ({ reference: item }),
  WAVEFORM: (item) => ({ reference: item }),
  SCOORD: (item) => ({ drawing: text(item, '00700023') }),
  SCOORD3D: (item) => ({ drawing: text(item, '00700023') }),
  TCOORD: () => ({ drawing: '' }),
});

/**
 * @typedef {object} ContentItem
 * @property {string} type value type; '' for an item that refers to another one
 * @property {string} relation e.g. 'CONTAINS', 'HAS CONCEPT MOD'
 * @property {string} name what it is called
 * @property {ContentItem[]} children
 * And by type: `text`, `measured` {value, unit}, `date`, `time`, `person`, `reference`, `drawing`, `technical`,
 * `continuous`.
 */

function read(item, depth, room) {
  room.left -= 1;
  const type = text(item, '0040A040');
  const children = [];
  if (depth < DEEPEST) {
    for (const child of values(item, CONTENT)) {
      if (room.left <= 0) break;
      children.push(read(child, depth + 1, room));
    }
  }
  return {
    type,
    relation: text(item, '0040A010'),
    name: meaning(item, NAME),
    continuous: text(item, '0040A050') === 'CONTINUOUS',
    ...(READERS[type]?.(item) ?? {}),
    children,
  };
}

/**
 * @param {object} document DICOM JSON dataset of a structured report or key object selection
 * @returns {{root: ContentItem, cut: boolean}} `cut` where there was more than anybody reads
 */
export function contentTree(document) {
  const room = { left: MOST_ITEMS };
  const root = read(document, 0, room);
  return { root, cut: room.left <= 0 };
}

/** @returns {{completed: boolean, verified: boolean, observers: object[]}} how far a document has come (§C.17.2) */
export function standingOf(document) {
  return {
    completed: text(document, '0040A491') === 'COMPLETE',
    verified: text(document, '0040A493') === 'VERIFIED',
    observers: values(document, '0040A073'),
  };
}

/** @returns {number|null} */
export const instanceNumber = (document) => number(document, '00200013');
