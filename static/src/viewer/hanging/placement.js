import { jawOf, sideOf } from './teeth.js';
import { templateOf } from './mount_templates.js';

/**
 * Which film lies where. What the headers say comes first; films that say nothing fill the free positions by their
 * order, which is the order in which full-mouth series are exposed.
 */

const SURE = 4; // below this a match is a guess

/** @returns {boolean} whether a header says anything that tells one position from another */
const saysSomething = (film) => Boolean(film.teeth.length || film.side || film.jaw || film.kind);

/**
 * How well a film suits a position; -Infinity where it contradicts.
 * @param {import('./films.js').Film} film
 * @param {import('./mount_templates.js').Position} position
 */
export function suits(film, position) {
  if (contradicts(film, position)) return -Infinity;
  const shared = film.teeth.filter((tooth) => position.teeth.includes(tooth)).length;
  const whole = new Set([...film.teeth, ...position.teeth]).size;
  const teeth = shared ? 4 + (6 * shared) / whole : 0;
  const kind = film.kind && film.kind === position.kind ? 3 : 0;
  const side = film.side && film.side === sideOfPosition(position) ? 1.5 : 0;
  const jaw = film.jaw && film.jaw === jawOfPosition(position) ? 1.5 : 0;
  const shape = isLying(film) === isLying({ columns: position.width, rows: position.height }) ? 0.5 : 0;
  return teeth + kind + side + jaw + shape;
}

function contradicts(film, position) {
  if (film.kind && film.kind !== position.kind) return true;
  if ((film.kind === 'panoramic') !== (position.kind === 'panoramic')) return true;
  const side = sideOfPosition(position);
  if (film.side && side && film.side !== side) return true;
  const jaw = jawOfPosition(position);
  if (film.jaw && jaw && film.jaw !== jaw) return true;
  return film.teeth.length > 0 && position.teeth.length > 0 && !film.teeth.some((tooth) => position.teeth.includes(tooth));
}

const one = (found) => (new Set(found).size === 1 ? found[0] : '');
const sideOfPosition = ({ teeth }) => one(teeth.map(sideOf));
const jawOfPosition = ({ teeth }) => one(teeth.map(jawOf));
const isLying = ({ columns, rows }) => columns >= rows;

/**
 * @param {import('./mount_templates.js').Template} template
 * @param {import('./films.js').Film[]} films in reading order
 * @returns {{placed: Map<string, string>, rest: string[]}} film keys by position, and those that found none
 */
export function place(template, films) {
  const placed = new Map();
  const taken = new Set();
  const pairs = films.flatMap((film, at) =>
    template.positions.map((position, place) => ({ film, position, score: suits(film, position), at, place })),
  );
  const sure = pairs.filter(({ film, score }) => saysSomething(film) && score >= minimumOf(film));
  sure.sort((a, b) => b.score - a.score || a.at - b.at || a.place - b.place);
  for (const { film, position } of sure) {
    if (placed.has(position.id) || taken.has(film.key)) continue;
    placed.set(position.id, film.key);
    taken.add(film.key);
  }
  fillByOrder(template, films.filter(({ key }) => !taken.has(key)), placed, taken);
  return { placed, rest: films.map(({ key }) => key).filter((key) => !taken.has(key)) };
}

/** A film that names teeth must share one; one that names only kind or side is content with those. */
const minimumOf = (film) => (film.teeth.length ? SURE : 1);

/** Films of unknown place in their order, each to the first free position that it does not contradict. */
function fillByOrder(template, films, placed, taken) {
  for (const film of films.filter((each) => !saysSomething(each))) {
    const free = template.positions.filter(({ id }) => !placed.has(id));
    const position = free.find((each) => !contradicts(film, each));
    if (!position) continue;
    placed.set(position.id, film.key);
    taken.add(film.key);
  }
}

/** Templates in the order they are tried: a smaller one that holds all films is better. */
const TRIED = Object.freeze([
  'panoramic',
  'bitewings-2',
  'bitewings-4',
  'panoramic-bitewings',
  'bitewings-7',
  'primary-8',
  'mixed-12',
  'fmx-18',
  'fmx-20',
  'fmx-21',
]);

/**
 * The template that holds most of the films where they belong, with the fewest empty positions.
 * @param {import('./films.js').Film[]} films
 * @returns {import('./mount_templates.js').Template}
 */
export function chooseTemplate(films) {
  const wanted = films.some(({ teeth }) => teeth.some((tooth) => tooth[0] > '4'));
  const tried = TRIED.filter((id) => wanted || !/^(primary|mixed)/.test(id)).map((id) => {
    const template = templateOf(id);
    return { template, held: place(template, films).placed.size, size: template.positions.length };
  });
  tried.sort((a, b) => b.held - a.held || a.size - b.size);
  return tried[0].template;
}
