/**
 * The curve of a dental arch in an axial plane: points in millimetres, `u` to the patient's left, `v` to the back, from
 * the patient's right to the left.
 */

const SAMPLES = 48; // of each piece of the spline, before it is measured
const HANDLES = 7;

/** A point on the Catmull-Rom spline between `b` and `c`. */
function between(a, b, c, d, t) {
  return [0, 1].map((axis) => {
    const [p0, p1, p2, p3] = [a, b, c, d].map((point) => point[axis]);
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t + (3 * p1 - p0 - 3 * p2 + p3) * t ** 3);
  });
}

/** @returns {number[][]} a smooth line through all points */
export function splineThrough(points) {
  const at = (index) => points[Math.min(points.length - 1, Math.max(0, index))];
  const line = [];
  for (let piece = 0; piece + 1 < points.length; piece += 1) {
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      line.push(between(at(piece - 1), at(piece), at(piece + 1), at(piece + 2), sample / SAMPLES));
    }
  }
  return [...line, points.at(-1)];
}

/**
 * Places at equal distances along the curve.
 * @param {number[][]} points
 * @param {number} step millimetres
 * @returns {{u: number, v: number, outward: number[]}[]} `outward` is a unit vector towards cheek and lip
 */
export function alongCurve(points, step) {
  const line = splineThrough(points);
  const places = [];
  let left = 0;
  for (let at = 1; at < line.length; at += 1) {
    const [a, b] = [line[at - 1], line[at]];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (!length) continue;
    const tangent = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
    for (; left <= length; left += step) {
      places.push({ u: a[0] + tangent[0] * left, v: a[1] + tangent[1] * left, outward: [tangent[1], -tangent[0]] });
    }
    left -= length;
  }
  return places;
}

/** An arch as most adults have it, where nothing better is known. */
export function usualArch(width, depth) {
  return handlesOf({ a: 0.028, apex: [width / 2, depth * 0.25] }, 25);
}

/**
 * Find the arch in an axial picture: a parabola through what is brightest, open to the back.
 * @param {{pixels: TypedArray, columns: number, rows: number, spacing: number[]}} picture
 * @param {number} threshold teeth and cortical bone are brighter
 * @returns {number[][]|null} handles, or null where nothing looks like an arch
 */
export function findArch({ pixels, columns, rows, spacing }, threshold) {
  let points = [];
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; row += 1) {
      if (pixels[row * columns + column] > threshold) points.push([column * spacing[0], row * spacing[1]]);
    }
  }
  let fit = null;
  for (const tolerance of [20, 12, 8]) {
    fit = parabola(points);
    if (!fit) return null;
    const { a, b, c } = fit;
    points = points.filter(([u, v]) => Math.abs(v - (a * u * u + b * u + c)) < tolerance);
  }
  if (fit.a < 0.005 || fit.a > 0.15 || points.length < 50) return null;
  const apex = [-fit.b / (2 * fit.a), fit.c - (fit.b * fit.b) / (4 * fit.a)];
  const reach = points.map(([u]) => Math.abs(u - apex[0])).sort((a, b) => a - b)[Math.floor(points.length * 0.97)];
  return handlesOf({ a: fit.a, apex }, Math.min(35, Math.max(12, reach)));
}

function handlesOf({ a, apex }, reach) {
  return Array.from({ length: HANDLES }, (_, at) => {
    // Closer together where the arch bends.
    const share = (2 * at) / (HANDLES - 1) - 1;
    const u = Math.sign(share) * Math.abs(share) ** 1.2 * reach;
    return [apex[0] + u, apex[1] + a * u * u];
  });
}

/** Least squares of v = a·u² + b·u + c, about the middle of the points so that it stays well-conditioned. */
function parabola(points) {
  const count = points.length;
  if (count < 50) return null;
  const middle = points.reduce((sum, [u]) => sum + u, 0) / count;
  const s = [0, 0, 0, 0, 0];
  const r = [0, 0, 0];
  for (const [u, v] of points) {
    const x = u - middle;
    for (let power = 0; power < 5; power += 1) s[power] += x ** power;
    for (let power = 0; power < 3; power += 1) r[power] += v * x ** power;
  }
  const solved = solve([
    [s[4], s[3], s[2], r[2]],
    [s[3], s[2], s[1], r[1]],
    [s[2], s[1], s[0], r[0]],
  ]);
  if (!solved) return null;
  const [a, b, c] = solved;
  return { a, b: b - 2 * a * middle, c: c - b * middle + a * middle * middle };
}

/** Three equations in three unknowns, by elimination with pivots. */
function solve(rows) {
  for (let at = 0; at < 3; at += 1) {
    const pivot = rows.slice(at).reduce((best, row) => (Math.abs(row[at]) > Math.abs(best[at]) ? row : best));
    if (Math.abs(pivot[at]) < 1e-9) return null;
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(at, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[at] / pivot[at];
      for (let column = at; column < 4; column += 1) row[column] -= factor * pivot[column];
    }
  }
  return rows.map((row, at) => row[3] / row[at]);
}
