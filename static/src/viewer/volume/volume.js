import { distanceTo } from '../planes.js';
import { along, dot, minus, norm, unit } from '../vectors.js';

/**
 * How a plane lies on the screen: where its rows lead, where its columns lead, and where the next image is, in
 * patient space (towards left, posterior, head): as radiologists hang them, looking from the feet, the front, the left.
 */
const HUNG = Object.freeze({
  axial: { across: [1, 0, 0], down: [0, 1, 0], next: [0, 0, -1] },
  coronal: { across: [1, 0, 0], down: [0, 0, -1], next: [0, 1, 0] },
  sagittal: { across: [0, 1, 0], down: [0, 0, -1], next: [1, 0, 0] },
});

/** Columns of the turning projection, at most: every pixel looks through the whole volume. */
const SPIN_COLUMNS = 256;

/** @typedef {'axial'|'coronal'|'sagittal'} Orientation */

/**
 * @typedef {object} Cut how one orientation walks through the volume
 * @property {number} columns
 * @property {number} rows
 * @property {number} count images
 * @property {number[]} spacing between columns and between rows, in millimetres
 * @property {number} step millimetres from image to image
 */

/**
 * Slices of one series as a block of voxels that can be cut along any of its three axes, without copying it.
 * Whatever draws is not its business: it runs without WebGL, and in tests.
 */
export class Volume {
  /**
   * @param {object} parts slices from the lowest to the highest position along the normal
   * @param {TypedArray[]} parts.slices rows × columns values each
   * @param {import('../planes.js').Plane[]} parts.planes
   * @param {number} parts.columns
   * @param {number} parts.rows
   */
  constructor({ slices, planes, columns, rows }) {
    const first = planes[0];
    const whole = minus(planes.at(-1).origin, first.origin);
    this.slices = slices;
    this.origin = first.origin;
    this.directions = [first.right, first.down, unit(whole)];
    this.size = [columns, rows, slices.length];
    this.spacing = [...first.spacing, norm(whole) / (slices.length - 1)];
    this.frame = first.frame;
    // Per axis: how far one step goes within a slice, and from slice to slice.
    this.strides = [
      { offset: 1, slice: 0 },
      { offset: columns, slice: 0 },
      { offset: 0, slice: 1 },
    ];
  }

  /** @param {Orientation} orientation */
  cut(orientation) {
    const { across, down, next } = this.#axes(orientation);
    return {
      columns: this.size[across.axis],
      rows: this.size[down.axis],
      count: this.size[next.axis],
      spacing: [this.spacing[across.axis], this.spacing[down.axis]],
      step: this.spacing[next.axis],
    };
  }

  /**
   * Where an image of a cut lies.
   * @returns {{origin: number[], right: number[], down: number[]}}
   */
  placeOf(orientation, index) {
    const axes = this.#axes(orientation);
    const start = [axes.across, axes.down, axes.next].reduce((point, { axis, sign }, at) => {
      const steps = at === 2 ? index : 0;
      const from = sign > 0 ? steps : this.size[axis] - 1 - steps;
      return along(point, this.directions[axis], from * this.spacing[axis]);
    }, this.origin);
    const direction = ({ axis, sign }) => this.directions[axis].map((value) => value * sign);
    return { origin: start, right: direction(axes.across), down: direction(axes.down) };
  }

  /** @returns {number} image of a cut that lies nearest to a point */
  indexAt(orientation, point) {
    const { axis, sign } = this.#axes(orientation).next;
    const at = Math.round(dot(minus(point, this.origin), this.directions[axis]) / this.spacing[axis]);
    const within = Math.min(this.size[axis] - 1, Math.max(0, at));
    return sign > 0 ? within : this.size[axis] - 1 - within;
  }

  /**
   * The pixels of one image of a cut.
   * @param {Orientation} orientation
   * @param {number} index
   * @param {{thickness?: number, mode?: 'max'|'mean'|'min'}} [slab] millimetres; none is one voxel
   * @param {TypedArray} [into]
   */
  pixels(orientation, index, { thickness = 0, mode = 'max' } = {}, into = undefined) {
    const { across, down, next } = this.#axes(orientation);
    const { columns, rows, count, step } = this.cut(orientation);
    const half = Math.floor(thickness / step / 2);
    const [from, to] = [Math.max(0, index - half), Math.min(count - 1, index + half)];
    const out = into ?? this.empty(columns * rows);
    const walk = { across: this.#walk(across), down: this.#walk(down), next: this.#walk(next), columns, rows };
    for (let image = from; image <= to; image += 1) this.#lay(out, walk, image, image === from ? 'first' : mode);
    if (mode === 'mean' && to > from) divide(out, to - from + 1);
    return out;
  }

  /** @returns {TypedArray} of the kind that holds every value of the slices, and sums of none */
  empty(length) {
    const floats = this.slices.some((slice) => slice instanceof Float32Array || slice instanceof Float64Array);
    return floats ? new Float32Array(length) : new Int32Array(length);
  }

  /**
   * The brightest voxels along parallel rays, seen from around the patient.
   * @param {number} angle in radians; 0 looks from the front
   * @returns {{pixels: TypedArray, columns: number, rows: number, spacing: number[]}}
   */
  spin(angle) {
    const { across, down, next } = this.#axes('coronal');
    const rays = this.#rays(across, next, angle);
    const { columns, depth, offsets, slices } = rays;
    const rows = this.size[down.axis];
    const walk = this.#walk(down);
    const pixels = this.empty(columns * rows);
    for (let row = 0; row < rows; row += 1) {
      const [rowOffset, rowSlice] = [walk.offset + row * walk.byOffset, walk.slice + row * walk.bySlice];
      for (let column = 0; column < columns; column += 1) {
        let best = -Infinity;
        for (let ray = column * depth, end = ray + depth; ray < end; ray += 1) {
          if (offsets[ray] < 0) continue;
          const value = this.slices[slices[ray] + rowSlice][offsets[ray] + rowOffset];
          if (value > best) best = value;
        }
        pixels[row * columns + column] = best === -Infinity ? this.lowest : best;
      }
    }
    return { pixels, columns, rows, spacing: [rays.step, this.spacing[down.axis]] };
  }

  /** @returns {number} value around the volume, darker than anything in it */
  get lowest() {
    this.least ??= this.slices.reduce((least, slice) => Math.min(least, slice.reduce((a, b) => Math.min(a, b))), 0);
    return this.least;
  }

  /** Which voxel each step of each ray meets in one layer of the volume; -1 beside it. */
  #rays(across, deep, angle) {
    const [width, depthSize] = [across, deep].map(({ axis }) => this.size[axis] * this.spacing[axis]);
    const diagonal = Math.hypot(width, depthSize);
    const step = Math.max(this.spacing[across.axis], this.spacing[deep.axis], diagonal / SPIN_COLUMNS);
    const columns = Math.ceil(diagonal / step);
    const offsets = new Int32Array(columns * columns).fill(-1);
    const slices = new Int32Array(columns * columns);
    const walks = [this.#walk(across), this.#walk(deep)];
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    for (let column = 0; column < columns; column += 1) {
      for (let ray = 0; ray < columns; ray += 1) {
        const [u, v] = [(column - columns / 2) * step, (ray - columns / 2) * step];
        const a = Math.floor((u * cos - v * sin + width / 2) / this.spacing[across.axis]);
        const b = Math.floor((u * sin + v * cos + depthSize / 2) / this.spacing[deep.axis]);
        if (a < 0 || b < 0 || a >= this.size[across.axis] || b >= this.size[deep.axis]) continue;
        const at = column * columns + ray;
        offsets[at] = walks[0].offset + a * walks[0].byOffset + walks[1].offset + b * walks[1].byOffset;
        slices[at] = walks[0].slice + a * walks[0].bySlice + walks[1].slice + b * walks[1].bySlice;
      }
    }
    return { columns, depth: columns, step, offsets, slices };
  }

  /** Where a walk along an axis begins, and how far each step goes. */
  #walk({ axis, sign }) {
    const { offset, slice } = this.strides[axis];
    const from = sign > 0 ? 0 : this.size[axis] - 1;
    return { offset: from * offset, slice: from * slice, byOffset: sign * offset, bySlice: sign * slice };
  }

  #lay(out, { across, down, next, columns, rows }, image, mode) {
    const put = PUT[mode];
    let at = 0;
    for (let row = 0; row < rows; row += 1) {
      let offset = across.offset + down.offset + row * down.byOffset + next.offset + image * next.byOffset;
      let slice = across.slice + down.slice + row * down.bySlice + next.slice + image * next.bySlice;
      if (!across.bySlice) {
        at = put(out, at, this.slices[slice], offset, across.byOffset, columns);
        continue;
      }
      for (let column = 0; column < columns; column += 1, at += 1) {
        put(out, at, this.slices[slice], offset, 1, 1);
        offset += across.byOffset;
        slice += across.bySlice;
      }
    }
  }

  /** Volume axes for an orientation: each the one that leads most nearly there, none twice. */
  #axes(orientation) {
    this.axes ??= new Map();
    if (!this.axes.has(orientation)) this.axes.set(orientation, this.#assign(HUNG[orientation]));
    return this.axes.get(orientation);
  }

  #assign(hung) {
    const free = new Set([0, 1, 2]);
    const assigned = {};
    const closeness = (name) => Math.max(...this.directions.map((direction) => Math.abs(dot(direction, hung[name]))));
    for (const name of Object.keys(hung).sort((a, b) => closeness(b) - closeness(a))) {
      const axis = [...free].sort((a, b) => this.#leads(b, hung[name]) - this.#leads(a, hung[name]))[0];
      free.delete(axis);
      assigned[name] = { axis, sign: dot(this.directions[axis], hung[name]) < 0 ? -1 : 1 };
    }
    return assigned;
  }

  #leads(axis, direction) {
    return Math.abs(dot(this.directions[axis], direction));
  }
}

/** How one run of voxels joins what is there: each returns where the next run begins. */
const PUT = Object.freeze({
  first(out, at, slice, offset, step, count) {
    for (let n = 0; n < count; n += 1, offset += step) out[at + n] = slice[offset];
    return at + count;
  },
  max(out, at, slice, offset, step, count) {
    for (let n = 0; n < count; n += 1, offset += step) if (slice[offset] > out[at + n]) out[at + n] = slice[offset];
    return at + count;
  },
  min(out, at, slice, offset, step, count) {
    for (let n = 0; n < count; n += 1, offset += step) if (slice[offset] < out[at + n]) out[at + n] = slice[offset];
    return at + count;
  },
  mean(out, at, slice, offset, step, count) {
    for (let n = 0; n < count; n += 1, offset += step) out[at + n] += slice[offset];
    return at + count;
  },
});

function divide(pixels, by) {
  for (let at = 0; at < pixels.length; at += 1) pixels[at] /= by;
}

/** @returns {number[]} the order of images from the lowest to the highest position along their normal */
export function orderOf(planes) {
  const distances = planes.map((plane) => distanceTo(planes[0], plane.origin));
  return planes.map((_, at) => at).sort((a, b) => distances[a] - distances[b]);
}
