/** Matrices as WebGL takes them: sixteen numbers, column by column. */

export function multiply(a, b) {
  const product = new Float32Array(16);
  for (let column = 0; column < 4; column += 1) {
    for (let row = 0; row < 4; row += 1) {
      let sum = 0;
      for (let at = 0; at < 4; at += 1) sum += a[at * 4 + row] * b[column * 4 + at];
      product[column * 4 + row] = sum;
    }
  }
  return product;
}

export const identity = () => Float32Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);

const about = (cos, sin) => ({
  x: Float32Array.from([1, 0, 0, 0, 0, cos, sin, 0, 0, -sin, cos, 0, 0, 0, 0, 1]),
  y: Float32Array.from([cos, 0, -sin, 0, 0, 1, 0, 0, sin, 0, cos, 0, 0, 0, 0, 1]),
});

/** Where a mesh is seen from: without perspective, so that lengths look alike near and far. */
export class MeshCamera {
  /** @param {{low: number[], high: number[]}} box */
  constructor(box) {
    this.middle = box.low.map((low, axis) => (low + box.high[axis]) / 2);
    this.radius = Math.hypot(...box.low.map((low, axis) => box.high[axis] - low)) / 2 || 1;
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.shift = [0, 0];
    this.turn = identity();
    // From the front and slightly above: patients' axes go to the left, to the back and up (PS3.3 §C.7.6.2.1.1).
    this.rotate(0, -Math.PI / 2 + 0.35);
  }

  /** @param {number} across @param {number} down radians */
  rotate(across, down) {
    const step = multiply(about(Math.cos(down), Math.sin(down)).x, about(Math.cos(across), Math.sin(across)).y);
    this.turn = multiply(step, this.turn);
  }

  zoomBy(factor) {
    this.zoom = Math.min(50, Math.max(0.2, this.zoom * factor));
  }

  /** @param {number} across @param {number} up shares of the picture's height */
  move(across, up) {
    this.shift = [this.shift[0] + 2 * across, this.shift[1] + 2 * up];
  }

  /**
   * @param {number} aspect width by height
   * @returns {Float32Array}
   */
  matrix(aspect) {
    const scale = (this.zoom * 0.92) / this.radius;
    const narrow = Math.min(1, aspect);
    const [x, y, z] = this.middle;
    const place = Float32Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -x, -y, -z, 1]);
    const across = (scale * narrow) / aspect;
    const depth = -0.5 / this.radius;
    const view = Float32Array.from([
      across,
      0,
      0,
      0,
      0,
      scale * narrow,
      0,
      0,
      0,
      0,
      depth,
      0,
      this.shift[0] / aspect,
      this.shift[1],
      0,
      1,
    ]);
    return multiply(view, multiply(this.turn, place));
  }
}
