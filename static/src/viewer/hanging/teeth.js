/**
 * Teeth are known by their FDI number (ISO 3950): the quadrant from the patient's upper right, clockwise as the reader
 * sees it (1–4 permanent, 5–8 primary), and the place from the midline. Universal numbers (American Dental Association)
 * run 1–32 and A–T in that same direction, from the upper right around to the lower right.
 */

const PERMANENT = Object.freeze([1, 2, 3, 4].map((quadrant) => ({ quadrant, teeth: 8 })));
const PRIMARY = Object.freeze([5, 6, 7, 8].map((quadrant) => ({ quadrant, teeth: 5 })));

/** The teeth of one dentition in Universal order: outwards in every second quadrant, inwards in the others. */
function inUniversalOrder(quadrants) {
  return quadrants.flatMap(({ quadrant, teeth }) => {
    const places = Array.from({ length: teeth }, (_, at) => at + 1);
    return (quadrant % 2 ? places.reverse() : places).map((place) => `${quadrant}${place}`);
  });
}

const permanent = inUniversalOrder(PERMANENT);
const primary = inUniversalOrder(PRIMARY);

const UNIVERSAL = new Map([
  ...permanent.map((fdi, at) => [fdi, String(at + 1)]),
  ...primary.map((fdi, at) => [fdi, String.fromCharCode(65 + at)]),
]);
const FDI = new Map([...UNIVERSAL].map(([fdi, universal]) => [universal, fdi]));

/** All 52 teeth by FDI number. */
export const TEETH = Object.freeze([...permanent, ...primary]);

/** @returns {string|null} `3` for `16`, `A` for `55` */
export function universalOf(fdi) {
  return UNIVERSAL.get(String(fdi)) ?? null;
}

/** @returns {string|null} `16` for `3`, `55` for `A` or `a` */
export function fdiOf(universal) {
  return FDI.get(String(universal).trim().toUpperCase().replace(/^0+(?=\d)/, '')) ?? null;
}

/** @returns {boolean} */
export const isTooth = (fdi) => UNIVERSAL.has(String(fdi));

/** @returns {'R'|'L'} the patient's side */
export const sideOf = (fdi) => ('1458'.includes(String(fdi)[0]) ? 'R' : 'L');

/** @returns {'upper'|'lower'} */
export const jawOf = (fdi) => ('1256'.includes(String(fdi)[0]) ? 'upper' : 'lower');

/** @typedef {'universal'|'fdi'} Numbering */

/**
 * A tooth's number as the practice writes it.
 * @param {string} fdi
 * @param {Numbering} numbering
 */
export function numberOf(fdi, numbering) {
  return numbering === 'fdi' ? String(fdi) : universalOf(fdi) ?? String(fdi);
}

/**
 * Several teeth in a few characters: runs of neighbours as ranges, the jaws apart.
 * @param {string[]} teeth FDI numbers
 * @param {Numbering} numbering
 * @returns {string} `1–3` or `18–16`; `3, 14` where they are no neighbours
 */
export function rangeOf(teeth, numbering) {
  const runs = [];
  for (const tooth of [...teeth].sort((a, b) => TEETH.indexOf(a) - TEETH.indexOf(b))) {
    const last = runs.at(-1);
    const follows = last && TEETH.indexOf(tooth) === TEETH.indexOf(last.at(-1)) + 1 && areNeighbours(tooth, last.at(-1));
    if (follows) last.push(tooth);
    else runs.push([tooth]);
  }
  return runs.map((run) => named(run, numbering)).join(', ');
}

/** Not the last upper molar and the last lower one, nor the last permanent tooth and the first primary one. */
const areNeighbours = (a, b) => jawOf(a) === jawOf(b) && a[0] < '5' === b[0] < '5';

/** Universal numbers rise; FDI numbers are read as the film shows them, from the patient's right to the left. */
function named(run, numbering) {
  const read = numbering === 'fdi' && jawOf(run[0]) === 'lower' ? [...run].reverse() : run;
  const first = numberOf(read[0], numbering);
  return read.length === 1 ? first : `${first}–${numberOf(read.at(-1), numbering)}`;
}
