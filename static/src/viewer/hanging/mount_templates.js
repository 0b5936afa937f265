import { t } from '../../i18n.js';

/**
 * @typedef {object} Position a place for one film, in the mount's own units
 * @property {string} id never changes: what is saved names it
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {'periapical'|'bitewing'|'occlusal'|'panoramic'} kind
 * @property {string[]} teeth FDI numbers that the film usually shows
 *
 * @typedef {object} Template
 * @property {string} id
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {Position[]} positions in the order films are usually exposed and read: by rows, from the patient's right
 */

/** A film lies on its side for molars and premolars, and stands for front teeth; both are size 2, 4 : 3. */
const LONG = 4;
const SHORT = 3;
const GAP = 0.3;

const LYING = Object.freeze({ width: LONG, height: SHORT });
const STANDING = Object.freeze({ width: SHORT, height: LONG });

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** `tooth(1, 6, 8)`: 16, 17, 18. */
const tooth = (quadrant, first, last = first) => range(first, last).map((place) => `${quadrant}${place}`);

const film = (id, kind, shape, teeth) => ({ id, kind, ...shape, teeth });

/** Films side by side from `x`; shorter ones stand on the line nearest to the bite. */
function row(films, { x = 0, y = 0, height, against = 'bottom' }) {
  let at = x;
  return films.map((each) => {
    const position = { ...each, x: round(at), y: round(y + (against === 'bottom' ? height - each.height : 0)) };
    at += each.width + GAP;
    return position;
  });
}

const round = (value) => Math.round(value * 100) / 100;

const widthOf = (films) => films.reduce((sum, each) => sum + each.width + GAP, -GAP);

/** Molar and premolar films of one quadrant, as they lie from the patient's right. */
function posterior(quadrant) {
  const films = [
    film(`${quadrant}-molar`, 'periapical', LYING, tooth(quadrant, 6, 8)),
    film(`${quadrant}-premolar`, 'periapical', LYING, tooth(quadrant, 4, 6)),
  ];
  return quadrant === 1 || quadrant === 4 ? films : films.reverse();
}

const bitewing = (side, part, shape = LYING) => {
  const [upper, lower] = side === 'R' ? [1, 4] : [2, 3];
  const places = { molar: [6, 8], premolar: [4, 6], all: [4, 7], canine: [3, 4] }[part];
  const teeth = [...tooth(upper, ...places), ...tooth(lower, ...places)];
  return film(`bw-${side.toLowerCase()}-${part}`, 'bitewing', shape, teeth);
};

/** Front films by the number of them: which teeth each shows, from the patient's right. */
const FRONTS = Object.freeze({
  3: (right, left) => [
    ['canine', right, tooth(right, 2, 3)],
    ['incisors', 0, [...tooth(right, 1, 2), ...tooth(left, 1, 2)]],
    ['canine', left, tooth(left, 2, 3)],
  ],
  4: (right, left) => [
    ['canine', right, tooth(right, 3)],
    ['incisors', right, tooth(right, 1, 2)],
    ['incisors', left, tooth(left, 1, 2)],
    ['canine', left, tooth(left, 3)],
  ],
  5: (right, left) => [
    ['canine', right, tooth(right, 3)],
    ['lateral', right, tooth(right, 2)],
    ['incisors', 0, [...tooth(right, 1), ...tooth(left, 1)]],
    ['lateral', left, tooth(left, 2)],
    ['canine', left, tooth(left, 3)],
  ],
});

function front(count, right, left) {
  const jaw = right === 1 ? 'upper' : 'lower';
  const name = (part, quadrant) => (quadrant ? `${quadrant}-${part}` : `${jaw}-${part}`);
  return FRONTS[count](right, left).map(([part, quadrant, teeth]) =>
    film(name(part, quadrant), 'periapical', STANDING, teeth),
  );
}

/** Periapical films above and below, four bitewings between them. */
function fullMouth(id, name, upperFront, lowerFront) {
  const upper = [...posterior(1), ...front(upperFront, 1, 2), ...posterior(2)];
  const lower = [...posterior(4), ...front(lowerFront, 4, 3), ...posterior(3)];
  const width = round(Math.max(widthOf(upper), widthOf(lower)));
  const middle = LONG + GAP;
  const bottom = middle + SHORT + GAP;
  const right = [bitewing('R', 'molar'), bitewing('R', 'premolar')];
  const left = [bitewing('L', 'premolar'), bitewing('L', 'molar')];
  const positions = [
    ...centred(upper, width, { height: LONG }),
    ...row(right, { y: middle, height: SHORT }),
    ...row(left, { x: width - widthOf(left), y: middle, height: SHORT }),
    ...centred(lower, width, { y: bottom, height: LONG, against: 'top' }),
  ];
  return { id, name, width, height: round(bottom + LONG), positions };
}

const centred = (films, width, place) => row(films, { ...place, x: (width - widthOf(films)) / 2 });

function oneRow(id, name, films) {
  const height = Math.max(...films.map((each) => each.height));
  return { id, name, width: round(widthOf(films)), height, positions: row(films, { height }) };
}

const verticalBitewings = () => [
  bitewing('R', 'molar', STANDING),
  bitewing('R', 'premolar', STANDING),
  bitewing('R', 'canine', STANDING),
  film('bw-front', 'bitewing', STANDING, ['11', '12', '21', '22', '31', '32', '41', '42']),
  bitewing('L', 'canine', STANDING),
  bitewing('L', 'premolar', STANDING),
  bitewing('L', 'molar', STANDING),
];

const PANORAMIC = Object.freeze({ width: 16.9, height: 8.4 });

const panoramic = () => film('panoramic', 'panoramic', PANORAMIC, []);

const fourBitewings = () => [
  bitewing('R', 'molar'),
  bitewing('R', 'premolar'),
  bitewing('L', 'premolar'),
  bitewing('L', 'molar'),
];

function panoramicWithBitewings() {
  const positions = [
    ...row([panoramic()], { height: PANORAMIC.height }),
    ...row(fourBitewings(), { y: PANORAMIC.height + GAP, height: SHORT }),
  ];
  const size = { width: PANORAMIC.width, height: round(PANORAMIC.height + GAP + SHORT) };
  return { id: 'panoramic-bitewings', name: t('Panoramic and bitewings'), ...size, positions };
}

/** Primary teeth of both sides of a jaw by their places. */
const primary = (quadrants, ...places) => quadrants.flatMap((quadrant) => tooth(quadrant, ...places));

/** Two occlusal films, four of the molars, two bitewings. */
function primaryDentition() {
  const upper = [
    film('5-molar', 'periapical', LYING, tooth(5, 4, 5)),
    film('upper-occlusal', 'occlusal', LYING, primary([5, 6], 1, 3)),
    film('6-molar', 'periapical', LYING, tooth(6, 4, 5)),
  ];
  const lower = [
    film('8-molar', 'periapical', LYING, tooth(8, 4, 5)),
    film('lower-occlusal', 'occlusal', LYING, primary([8, 7], 1, 3)),
    film('7-molar', 'periapical', LYING, tooth(7, 4, 5)),
  ];
  const wings = [['r', [5, 8]], ['l', [6, 7]]].map(([side, quadrants]) =>
    film(`bw-${side}-primary`, 'bitewing', LYING, primary(quadrants, 4, 5)),
  );
  return children('primary-8', t('Primary teeth, 8 films'), upper, wings, lower);
}

/** Twelve films where primary and permanent teeth stand side by side. */
function mixedDentition() {
  const mixed = ([permanent, temporary], part, shape, first, last) =>
    film(`${permanent}-${part}`, 'periapical', shape, [...tooth(permanent, 6), ...tooth(temporary, first, last)]);
  const canine = ([permanent, temporary]) =>
    film(`${permanent}-canine`, 'periapical', STANDING, [...tooth(permanent, 3), ...tooth(temporary, 3)]);
  const incisors = (jaw, quadrants) =>
    film(`${jaw}-incisors`, 'periapical', STANDING, quadrants.flatMap((quadrant) => tooth(quadrant, 1, 2)));
  const jaw = (name, right, left) => [
    mixed(right, 'molar', LYING, 4, 5),
    canine(right),
    incisors(name, [right[0], left[0]]),
    canine(left),
    mixed(left, 'molar', LYING, 4, 5),
  ];
  const wings = [['r', [1, 5, 4, 8]], ['l', [2, 6, 3, 7]]].map(([side, quadrants]) =>
    film(
      `bw-${side}-mixed`,
      'bitewing',
      LYING,
      quadrants.flatMap((quadrant) => (quadrant > 4 ? tooth(quadrant, 4, 5) : tooth(quadrant, 6))),
    ),
  );
  return children('mixed-12', t('Mixed teeth, 12 films'), jaw('upper', [1, 5], [2, 6]), wings, jaw('lower', [4, 8], [3, 7]));
}

function children(id, name, upper, wings, lower) {
  const width = round(widthOf(upper));
  const tall = Math.max(...upper.map((each) => each.height));
  const [right, left] = wings;
  const bottom = tall + GAP + SHORT + GAP;
  const positions = [
    ...row(upper, { height: tall }),
    ...row([right], { y: tall + GAP, height: SHORT }),
    ...row([left], { x: width - left.width, y: tall + GAP, height: SHORT }),
    ...row(lower, { y: bottom, height: tall, against: 'top' }),
  ];
  return { id, name, width, height: round(bottom + tall), positions };
}

/** @type {Template[]} */
export const TEMPLATES = Object.freeze([
  fullMouth('fmx-18', t('Full mouth, 18 films'), 3, 3),
  fullMouth('fmx-20', t('Full mouth, 20 films'), 4, 4),
  fullMouth('fmx-21', t('Full mouth, 21 films'), 5, 4),
  oneRow('bitewings-2', t('2 bitewings'), [bitewing('R', 'all'), bitewing('L', 'all')]),
  oneRow('bitewings-4', t('4 bitewings'), fourBitewings()),
  oneRow('bitewings-7', t('7 vertical bitewings'), verticalBitewings()),
  oneRow('panoramic', t('Panoramic'), [panoramic()]),
  panoramicWithBitewings(),
  primaryDentition(),
  mixedDentition(),
]);

/** @returns {Template|undefined} */
export const templateOf = (id) => TEMPLATES.find((template) => template.id === id);
