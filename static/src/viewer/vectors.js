/** Arithmetic on points and directions in patient space: millimetres towards left, posterior and head (PS3.3 §C.7.6.2). */

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** `a` moved `length` along `direction` */
export const along = (a, direction, length) => a.map((value, axis) => value + direction[axis] * length);

export const norm = (a) => Math.hypot(...a);

export const unit = (a) => a.map((value) => value / norm(a));
