/**
 * What is drawn over an image, as lines and words in fractions of the image: read from the drawing layer, so that it is
 * exactly what the reader sees, whatever tool made it.
 */

const MOST = 100;
const ROUND = 32; // corners of what stands for a circle

/**
 * @param {Element} layer of marks/layer.js
 * @param {(point: number[]) => number[]} toFraction from CSS pixels of the layer to fractions of the image
 * @returns {{points: number[][], text?: string}[]}
 */
export function marksOf(layer, toFraction) {
  const marks = [...layer.querySelectorAll('line, polyline, polygon, circle, ellipse, rect, path')]
    .filter(isDrawn)
    .map((shape) => ({ points: cornersOf(shape).map(toFraction) }));
  const words = [...layer.querySelectorAll('text')].flatMap((node) => wordsOf(node, layer, toFraction));
  return [...marks, ...words].filter(({ points }) => points.length && points.every(isNear)).slice(0, MOST);
}

/** Handles that are only there to be grabbed, and the shade behind a line, are no drawing. */
const isDrawn = (shape) => !shape.matches('.mark-handle, .mark-shade');

const isNear = (point) => point.every((part) => part >= -1 && part <= 2);

const reader = (shape) => (name) => Number(shape.getAttribute(name) ?? 0);

/** @returns {number[][]} corners of a shape, in its own coordinates */
export function cornersOf(shape) {
  const at = reader(shape);
  switch (shape.tagName.toLowerCase()) {
    case 'line':
      return [[at('x1'), at('y1')], [at('x2'), at('y2')]];
    case 'circle':
      return around(at('cx'), at('cy'), at('r'), at('r'));
    case 'ellipse':
      return around(at('cx'), at('cy'), at('rx'), at('ry'));
    case 'rect': {
      const [x, y, width, height] = ['x', 'y', 'width', 'height'].map(at);
      return [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]];
    }
    case 'path':
      return pairs(shape.getAttribute('d') ?? '');
    default: {
      const points = pairs(shape.getAttribute('points') ?? '');
      return shape.tagName.toLowerCase() === 'polygon' && points.length ? [...points, points[0]] : points;
    }
  }
}

function around(x, y, across, down) {
  return Array.from({ length: ROUND + 1 }, (_, at) => {
    const angle = (2 * Math.PI * at) / ROUND;
    return [x + across * Math.cos(angle), y + down * Math.sin(angle)];
  });
}

/** Straight lines only: of a curve, its control points would be a lie. */
function pairs(text) {
  if (/[CSQTA]/i.test(text.replace(/e[+-]?\d/gi, ''))) return [];
  const parts = text.match(/-?\d+(\.\d+)?(e[+-]?\d+)?/gi)?.map(Number) ?? [];
  const found = [];
  for (let at = 0; at + 1 < parts.length; at += 2) found.push(parts.slice(at, at + 2));
  return thin(/z/i.test(text) && found.length ? [...found, found[0]] : found);
}

/** At most 64 points, evenly. */
function thin(points) {
  const stride = Math.ceil(points.length / 63);
  return stride < 2 ? points : [...points.filter((_, at) => at % stride === 0), points.at(-1)];
}

function wordsOf(node, layer, toFraction) {
  const origin = layer.getBoundingClientRect();
  const lines = node.querySelectorAll('tspan').length ? [...node.querySelectorAll('tspan')] : [node];
  return lines.flatMap((line) => {
    const text = line.textContent.trim();
    const { left, bottom } = line.getBoundingClientRect();
    return text ? [{ points: [toFraction([left - origin.left, bottom - origin.top - 3])], text: text.slice(0, 120) }] : [];
  });
}
