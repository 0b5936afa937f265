import { along, dot, minus } from '../../vectors.js';
import { alongCurve } from './curve.js';

/** Millimetres to either side of the arch that a section shows. */
const REACH = 18;
/** The thickness that one image of the panorama averages, and how finely, in millimetres. */
const TROUGH = 8;
const FINE = 1;
/** Millimetres from one section to the next. */
export const EVERY = 1;
/** How far the panoramas lie from the arch, inwards and outwards. */
export const OFFSETS = Object.freeze([-8, -6, -4, -2, 0, 2, 4, 6, 8]);

/** A volume as the arch sees it: `u` and `v` millimetres within the axial plane, and the axial image. */
export class ArchSpace {
  /** @param {import('../../volume/volume.js').Volume} volume */
  constructor(volume) {
    const axial = volume.cut('axial');
    const { origin, right, down } = volume.placeOf('axial', 0);
    Object.assign(this, { volume, axial, origin, right, down });
    const second = axial.count > 1 ? volume.placeOf('axial', 1).origin : along(origin, [0, 0, -1], axial.step);
    this.towardsFeet = minus(second, origin).map((value) => value / axial.step);
    const native = (direction) => volume.directions.map((each, axis) => dot(direction, each) / volume.spacing[axis]);
    this.start = native(minus(origin, volume.origin));
    this.steps = { u: native(right), v: native(down), image: native(this.towardsFeet).map((value) => value * axial.step) };
  }

  /** @returns {number[]} millimetres that the axial plane measures */
  get extent() {
    const { columns, rows, spacing } = this.axial;
    return [columns * spacing[0], rows * spacing[1]];
  }

  /** @returns {number[]} in patient space */
  point(u, v, image = 0) {
    return along(along(along(this.origin, this.right, u), this.down, v), this.towardsFeet, image * this.axial.step);
  }

  /** @returns {number[]} `[u, v]` of a point in patient space */
  flat(position) {
    const away = minus(position, this.origin);
    return [dot(away, this.right), dot(away, this.down)];
  }

  /** The value at a place, between the eight voxels around it; beside the volume it is the lowest. */
  sample(u, v, image) {
    const { start, steps } = this;
    // Millions of times for one panorama: no array may be made here.
    const x = start[0] + steps.u[0] * u + steps.v[0] * v + steps.image[0] * image;
    const y = start[1] + steps.u[1] * u + steps.v[1] * v + steps.image[1] * image;
    const z = start[2] + steps.u[2] * u + steps.v[2] * v + steps.image[2] * image;
    return trilinear(this.volume, x, y, z);
  }
}

const NEAR = 1e-6; // voxels: places that rounding moved beside the volume

function trilinear(volume, x, y, z) {
  const { size, slices } = volume;
  const columns = size[0];
  const beside = x > columns - 1 + NEAR || y > size[1] - 1 + NEAR || z > size[2] - 1 + NEAR;
  if (beside || x < -NEAR || y < -NEAR || z < -NEAR) return volume.lowest;
  const i = Math.max(0, Math.floor(x));
  const j = Math.max(0, Math.floor(y));
  const k = Math.max(0, Math.floor(z + NEAR));
  const fz = Math.max(0, z - k);
  const first = bilinear(slices[k], columns, size[1], i, j, x, y);
  if (fz < NEAR || k + 1 >= size[2]) return first;
  return first * (1 - fz) + bilinear(slices[k + 1], columns, size[1], i, j, x, y) * fz;
}

function bilinear(slice, columns, rows, i, j, x, y) {
  const fx = Math.max(0, x - i);
  const fy = Math.max(0, y - j);
  const right = i + 1 < columns ? 1 : 0;
  const at = j * columns + i;
  const below = j + 1 < rows ? at + columns : at;
  const top = slice[at] * (1 - fx) + slice[at + right] * fx;
  return top * (1 - fy) + (slice[below] * (1 - fx) + slice[below + right] * fx) * fy;
}

/**
 * The arch rolled out flat, from the patient's right to the left, as a panoramic film shows it.
 * @param {ArchSpace} space
 * @param {number[][]} handles
 * @param {number} offset millimetres outwards
 * @returns {{pixels: TypedArray, columns: number, rows: number, spacing: number[]}}
 */
export function panorama(space, handles, offset = 0) {
  const { spacing, count, step } = space.axial;
  const places = alongCurve(handles, spacing[0]);
  const columns = places.length;
  const depths = depthsAround(offset);
  const pixels = space.volume.empty(columns * count);
  for (let column = 0; column < columns; column += 1) {
    const { u, v, outward } = places[column];
    for (let image = 0; image < count; image += 1) {
      let sum = 0;
      for (const depth of depths) sum += space.sample(u + outward[0] * depth, v + outward[1] * depth, image);
      pixels[image * columns + column] = Math.round(sum / depths.length);
    }
  }
  return { pixels, columns, rows: count, spacing: [spacing[0], step] };
}

const depthsAround = (offset) => {
  const half = Math.round(TROUGH / FINE / 2);
  return Array.from({ length: 2 * half + 1 }, (_, at) => offset + (at - half) * FINE);
};

/** @returns {{u: number, v: number, outward: number[]}[]} where the sections stand */
export const sectionPlaces = (handles) => alongCurve(handles, EVERY);

/**
 * A section across the arch: cheek and lip on the left, tongue on the right.
 * @returns {{pixels: TypedArray, columns: number, rows: number, spacing: number[]}}
 */
export function section(space, { u, v, outward }) {
  const { spacing, count, step } = space.axial;
  const columns = Math.round((2 * REACH) / spacing[0]) + 1;
  const pixels = space.volume.empty(columns * count);
  for (let column = 0; column < columns; column += 1) {
    const depth = REACH - column * spacing[0];
    for (let image = 0; image < count; image += 1) {
      pixels[image * columns + column] = Math.round(space.sample(u + outward[0] * depth, v + outward[1] * depth, image));
    }
  }
  return { pixels, columns, rows: count, spacing: [spacing[0], step] };
}

/** Where a section lies in the patient: its first pixel, and where rows and columns lead. */
export function placeOfSection(space, { u, v, outward }) {
  const inward = space.right.map((value, axis) => -(value * outward[0] + space.down[axis] * outward[1]));
  const origin = space.point(u + outward[0] * REACH, v + outward[1] * REACH);
  return { origin, right: inward, down: space.towardsFeet };
}

/** @returns {number} the axial image with most of what is brighter than the threshold: the teeth */
export function archLevel(space, threshold) {
  const { columns, rows, spacing, count } = space.axial;
  let [best, most] = [Math.floor(count / 2), 0];
  const stride = 3;
  for (let image = 0; image < count; image += Math.max(1, Math.floor(count / 60))) {
    let bright = 0;
    for (let row = 0; row < rows; row += stride) {
      for (let column = 0; column < columns; column += stride) {
        if (space.sample(column * spacing[0], row * spacing[1], image) > threshold) bright += 1;
      }
    }
    if (bright > most) [best, most] = [image, bright];
  }
  return best;
}
