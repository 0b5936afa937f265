import { TAG, number, text, values } from '../attributes.js';
import { fdiOf, isTooth, jawOf, sideOf } from './teeth.js';
import { toothOfCode } from './tooth_codes.js';

/**
 * @typedef {object} Film one image that can lie in a mount
 * @property {string} key `sop` of the instance: one film is one instance
 * @property {object} series DICOM JSON dataset of its series
 * @property {string} seriesInstanceUid
 * @property {string} sopInstanceUid
 * @property {number} index in its series, in reading order
 * @property {number} rows
 * @property {number} columns
 * @property {string[]} teeth FDI numbers
 * @property {''|'R'|'L'} side of the patient
 * @property {''|'upper'|'lower'} jaw
 * @property {''|'periapical'|'bitewing'|'occlusal'|'panoramic'} kind
 * @property {string} title what its own header calls it
 */

const DENTAL = Object.freeze({
  modality: TAG.modality,
  comments: '00204000',
  seriesDescription: TAG.seriesDescription,
  imageType: '00080008',
  imageLaterality: '00200062',
  laterality: '00200060',
  anatomicRegion: '00082218',
  regionModifier: '00082220',
  structure: '00082228',
  structureModifier: '00082230',
  view: '00540220',
  viewPosition: '00185101',
  bodyPart: '00180015',
  protocol: '00181030',
  derivation: '00082111',
  codeValue: '00080100',
  scheme: '00080102',
  meaning: '00080104',
});

/** Modalities of images that only dentists make. */
export const DENTAL_MODALITIES = Object.freeze(new Set(['IO', 'PX']));

/** Modalities of the images that dentists mount. */
export const FILM_MODALITIES = Object.freeze(new Set(['IO', 'PX', 'DX', 'CR', 'RG', 'XC', 'OT', 'SC']));

/** SNOMED CT and SNOMED-RT of jaws (CID 4016) and of the occlusal projection (CID 4010). */
const JAWS = Object.freeze({ 70925003: 'upper', 'T-11170': 'upper', 91609006: 'lower', 'T-11180': 'lower' });
const SIDES = Object.freeze({ 24028007: 'R', 'G-A100': 'R', 7771000: 'L', 'G-A101': 'L' });
const OCCLUSAL = '260499007';

/** Words that devices and people write, in English and Spanish; the first that fits decides. */
const KINDS = Object.freeze([
  ['panoramic', /\b(pan(o|oramic)?|opg|opt|ortho?pantom\w*|panor[aá]mica)\b/i],
  ['bitewing', /\b(v?bwx?\d*|v?bw[rl]?|bite[ -]?wings?|interproximal|aleta|alas? de mordida)\b/i],
  ['occlusal', /\b(occlusal|oclusal)\b/i],
  ['periapical', /\b(pa|pax|peri-?apical)\b/i],
]);

const fdiQuadrant = Object.freeze({ UR: 1, UL: 2, LL: 3, LR: 4 });

/** Everything an image's header says about where it belongs. */
export function filmOf(instance, series, index) {
  const teeth = teethOf(instance);
  const words = wordsOf(instance);
  const named = teeth.length ? teeth : teethInWords(words);
  return {
    key: text(instance, TAG.sopInstanceUid),
    series,
    seriesInstanceUid: text(series, TAG.seriesInstanceUid),
    sopInstanceUid: text(instance, TAG.sopInstanceUid),
    index,
    rows: number(instance, TAG.rows) ?? 0,
    columns: number(instance, TAG.columns) ?? 0,
    teeth: named,
    side: sideFrom(instance, named, words),
    jaw: jawFrom(instance, named, words),
    kind: kindFrom(instance, named, words),
    title: text(instance, DENTAL.comments) || text(instance, DENTAL.seriesDescription),
  };
}

const codesOf = (sequence) =>
  sequence.map((item) => ({
    value: text(item, DENTAL.codeValue),
    scheme: text(item, DENTAL.scheme),
    meaning: text(item, DENTAL.meaning),
  }));

function teethOf(instance) {
  const structures = codesOf(values(instance, DENTAL.structure));
  const regions = values(instance, DENTAL.anatomicRegion);
  const modifiers = [...regions, ...values(instance, DENTAL.structure)].flatMap((item) =>
    codesOf([...values(item, DENTAL.regionModifier), ...values(item, DENTAL.structureModifier)]),
  );
  const found = [...structures, ...codesOf(regions), ...modifiers].map(({ scheme, value }) =>
    toothOfCode(scheme, value, fdiOf),
  );
  return [...new Set(found.filter(Boolean))];
}

function wordsOf(instance) {
  const views = codesOf([...values(instance, DENTAL.view), ...values(instance, DENTAL.anatomicRegion)]);
  return [
    ...views.map(({ meaning }) => meaning),
    text(instance, DENTAL.comments),
    text(instance, DENTAL.seriesDescription),
    text(instance, DENTAL.protocol),
    text(instance, DENTAL.derivation),
    values(instance, DENTAL.imageType).slice(2).join(' '),
  ].join(' ; ');
}

/**
 * Teeth named in words: `UR6`, `FDI 16`, `#3`; a bare number could be anything.
 * @param {string} words
 */
export function teethInWords(words) {
  const palmer = [...words.matchAll(/\b(UR|UL|LL|LR)[ -]?([1-8])\b/gi)].map(
    ([, quadrant, place]) => `${fdiQuadrant[quadrant.toUpperCase()]}${place}`,
  );
  const fdi = [...words.matchAll(/\bFDI[ #:]*([1-8][1-8](?:\s*[,/-]\s*[1-8][1-8])*)/gi)].flatMap(([, list]) => list.match(/\d\d/g));
  const universal = [...words.matchAll(/#\s?(\d{1,2}|[A-T])\b/gi)].map(([, number]) => fdiOf(number));
  return [...new Set([...palmer, ...fdi, ...universal].filter((tooth) => tooth && isTooth(tooth)))];
}

const only = (found) => (new Set(found).size === 1 ? found[0] : '');

function sideFrom(instance, teeth, words) {
  const written = text(instance, DENTAL.imageLaterality) || text(instance, DENTAL.laterality);
  if (written === 'R' || written === 'L') return written;
  const coded = modifierValues(instance).map((value) => SIDES[value]).filter(Boolean);
  if (only(coded)) return only(coded);
  if (teeth.length) return only(teeth.map(sideOf));
  const right = /\b(right|rt|derech[ao]|bw ?r|ur|lr)\b/i.test(words);
  const left = /\b(left|lt|izquierd[ao]|bw ?l|ul|ll)\b/i.test(words);
  return right === left ? '' : right ? 'R' : 'L';
}

const modifierValues = (instance) =>
  values(instance, DENTAL.anatomicRegion).flatMap((item) => codesOf(values(item, DENTAL.regionModifier)).map(({ value }) => value));

function jawFrom(instance, teeth, words) {
  const coded = codesOf(values(instance, DENTAL.anatomicRegion)).map(({ value }) => JAWS[value]).filter(Boolean);
  if (only(coded)) return only(coded);
  if (teeth.length) return only(teeth.map(jawOf));
  const upper = /\b(upper|maxill\w*|superior|ur|ul)\b/i.test(words);
  const lower = /\b(lower|mandib\w*|inferior|lr|ll)\b/i.test(words);
  return upper === lower ? '' : upper ? 'upper' : 'lower';
}

function kindFrom(instance, teeth, words) {
  if (text(instance, DENTAL.modality) === 'PX') return 'panoramic';
  if (codesOf(values(instance, DENTAL.view)).some(({ value }) => value === OCCLUSAL)) return 'occlusal';
  const said = KINDS.find(([, pattern]) => pattern.test(words))?.[0];
  if (said) return said;
  if (teeth.length > 1 && new Set(teeth.map(jawOf)).size === 2) return 'bitewing';
  const { rows, columns } = { rows: number(instance, TAG.rows), columns: number(instance, TAG.columns) };
  const isWide = columns > 1500 && columns / rows > 1.6;
  return isWide && text(instance, DENTAL.modality) !== 'IO' ? 'panoramic' : teeth.length ? 'periapical' : '';
}
