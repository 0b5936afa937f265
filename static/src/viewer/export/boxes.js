/** Where images lie in a picture or on a page: boxes in pixels, from the corner at the top left. */

/**
 * Images of one grid, row by row.
 * @param {number} count
 * @param {number} columns
 * @param {number[]} cell width and height of one place
 * @param {number} gap between places
 * @returns {{size: number[], boxes: number[][]}}
 */
export function gridOf(count, columns, [width, height], gap) {
  const across = Math.min(columns, count);
  const rows = Math.ceil(count / across);
  const boxes = Array.from({ length: count }, (_, at) => [
    (at % across) * (width + gap),
    Math.floor(at / across) * (height + gap),
    width,
    height,
  ]);
  return { size: [across * (width + gap) - gap, rows * (height + gap) - gap], boxes };
}

/**
 * A mount in its own shape.
 * @param {number[]} mount width and height in its units
 * @param {number[][]} places boxes in its units
 * @param {number} edge pixels of its longer side
 */
export function mountOf([width, height], places, edge) {
  const scale = edge / Math.max(width, height);
  const boxes = places.map((place) => place.map((part) => Math.round(part * scale)));
  return { size: [Math.round(width * scale), Math.round(height * scale)], boxes };
}

/** @returns {T[][]} `count` at a time */
export function pagesOf(all, count) {
  return Array.from({ length: Math.ceil(all.length / count) }, (_, at) => all.slice(at * count, (at + 1) * count));
}
