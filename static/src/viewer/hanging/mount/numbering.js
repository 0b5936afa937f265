/** Which tooth numbers a computer shows; it says nothing about any patient, and stays there. */

const KEY = 'collimate.numbering';

/** @returns {import('../teeth.js').Numbering} */
export function readNumbering() {
  return window.localStorage.getItem(KEY) === 'fdi' ? 'fdi' : 'universal';
}

/** @returns {import('../teeth.js').Numbering} the other one, from now on */
export function switchNumbering() {
  const other = readNumbering() === 'fdi' ? 'universal' : 'fdi';
  window.localStorage.setItem(KEY, other);
  return other;
}
