/** Plane geometry of marks, without the DOM. Points are `[x, y]`. */

export const distance = ([ax, ay], [bx, by]) => Math.hypot(bx - ax, by - ay);

export const middle = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];

/**
 * The map that takes (0, 0), (1, 0) and (0, 1) to three points: image pixels to the screen, however turned.
 * @returns {{apply: (point: number[]) => number[], invert: (point: number[]) => number[], linear: number[]}}
 */
export function affine(origin, alongX, alongY) {
  const [a, b] = [alongX[0] - origin[0], alongX[1] - origin[1]];
  const [c, d] = [alongY[0] - origin[0], alongY[1] - origin[1]];
  const determinant = a * d - b * c;
  return {
    linear: [a, b, c, d],
    apply: ([x, y]) => [origin[0] + a * x + c * y, origin[1] + b * x + d * y],
    invert: ([x, y]) => {
      const [dx, dy] = [x - origin[0], y - origin[1]];
      return [(d * dx - c * dy) / determinant, (a * dy - b * dx) / determinant];
    },
  };
}

/** @returns {number[]} a point of the image, the nearest to one that may lie beside it */
export function clamped([x, y], { columns, rows }) {
  return [Math.min(columns, Math.max(0, x)), Math.min(rows, Math.max(0, y))];
}

/** @returns {number} how far a point is from the line between two others */
export function distanceToSegment(point, from, to) {
  const length = distance(from, to);
  if (!length) return distance(point, from);
  const along = ((point[0] - from[0]) * (to[0] - from[0]) + (point[1] - from[1]) * (to[1] - from[1])) / length ** 2;
  const at = Math.min(1, Math.max(0, along));
  return distance(point, [from[0] + at * (to[0] - from[0]), from[1] + at * (to[1] - from[1])]);
}

/** @returns {number} of a closed outline, whatever its direction */
export function polygonArea(points) {
  const twice = points.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = points[(at + 1) % points.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** @returns {boolean} whether a point lies within a closed outline, by the rule of odd crossings */
export function insidePolygon([x, y], points) {
  let inside = false;
  for (let at = 0, before = points.length - 1; at < points.length; before = at, at += 1) {
    const [[ax, ay], [bx, by]] = [points[at], points[before]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** @returns {number[][]} corners in turn of the upright rectangle between two opposite ones */
export function rectangleBetween([ax, ay], [bx, by]) {
  return [[ax, ay], [bx, ay], [bx, by], [ax, by]]; // prettier-ignore
}

/** @returns {number[][]} the ends of the longer axis, then of the shorter, of the upright ellipse in a rectangle */
export function ellipseBetween([ax, ay], [bx, by]) {
  const [x, y] = middle([ax, ay], [bx, by]);
  const [across, down] = [[[ax, y], [bx, y]], [[x, ay], [x, by]]]; // prettier-ignore
  return Math.abs(bx - ax) >= Math.abs(by - ay) ? [...across, ...down] : [...down, ...across];
}

/** @returns {number[][]} an outline of an ellipse given by the ends of its axes */
export function ellipseOutline([a, b, c, d], count = 64) {
  const [x, y] = middle(a, b);
  const [major, minor] = [
    [(b[0] - a[0]) / 2, (b[1] - a[1]) / 2],
    [(d[0] - c[0]) / 2, (d[1] - c[1]) / 2],
  ];
  return Array.from({ length: count }, (_, at) => {
    const angle = (2 * Math.PI * at) / count;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [x + cos * major[0] + sin * minor[0], y + cos * major[1] + sin * minor[1]];
  });
}

/** @returns {number} degrees from 0 to 180 between two directions, pixels being `[height, width]` */
export function angleBetween([ax, ay], [bx, by], [height, width]) {
  const [a, b] = [
    [ax * width, ay * height],
    [bx * width, by * height],
  ];
  const size = Math.hypot(...a) * Math.hypot(...b);
  if (!size) return 0;
  const cosine = (a[0] * b[0] + a[1] * b[1]) / size;
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** @returns {number[][]} a hand's outline with no more points than it needs: none closer than `least` to the last */
export function thinned(points, least, most) {
  let kept = points.filter((point, at) => at === 0 || distance(point, points[at - 1]) > 0);
  for (let apart = least; ; apart *= 1.5) {
    const found = [kept[0]];
    for (const point of kept) if (distance(point, found.at(-1)) >= apart) found.push(point);
    if (found.length <= most) return found;
    kept = found;
  }
}
