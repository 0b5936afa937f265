/**
 * @typedef {object} Mesh triangles without sharing of corners
 * @property {Float32Array} positions nine numbers a triangle
 * @property {Float32Array} normals the same, one for each corner
 * @property {{low: number[], high: number[]}} box
 */

/** A file that holds no triangles, or not those it promises. */
export class NoMesh extends Error {}

const MOST_TRIANGLES = 20_000_000;
const STL_HEAD = 84;
const STL_TRIANGLE = 50;

function boxOf(positions) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let at = 0; at < positions.length; at += 1) {
    const axis = at % 3;
    if (!Number.isFinite(positions[at])) throw new NoMesh('not a number');
    if (positions[at] < low[axis]) low[axis] = positions[at];
    if (positions[at] > high[axis]) high[axis] = positions[at];
  }
  return { low, high };
}

/** Normals from the corners: what files say of them is often zero or wrong. */
function normalsOf(positions) {
  const normals = new Float32Array(positions.length);
  for (let at = 0; at < positions.length; at += 9) {
    const p = positions;
    const [ax, ay, az] = [p[at + 3] - p[at], p[at + 4] - p[at + 1], p[at + 5] - p[at + 2]];
    const [bx, by, bz] = [p[at + 6] - p[at], p[at + 7] - p[at + 1], p[at + 8] - p[at + 2]];
    const normal = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    const length = Math.hypot(...normal) || 1;
    for (let corner = 0; corner < 9; corner += 3) {
      for (let axis = 0; axis < 3; axis += 1) normals[at + corner + axis] = normal[axis] / length;
    }
  }
  return normals;
}

function meshOf(positions) {
  if (!positions.length) throw new NoMesh('no triangle');
  return { positions, normals: normalsOf(positions), box: boxOf(positions) };
}

function binaryStl(view, count) {
  const positions = new Float32Array(count * 9);
  for (let triangle = 0; triangle < count; triangle += 1) {
    const start = STL_HEAD + triangle * STL_TRIANGLE + 12;
    for (let at = 0; at < 9; at += 1) positions[triangle * 9 + at] = view.getFloat32(start + at * 4, true);
  }
  return meshOf(positions);
}

function textStl(bytes) {
  const text = new TextDecoder('latin1').decode(bytes);
  const numbers = [];
  for (const [, x, y, z] of text.matchAll(/vertex\s+(\S+)\s+(\S+)\s+(\S+)/gi)) numbers.push(+x, +y, +z);
  return meshOf(Float32Array.from(numbers.slice(0, numbers.length - (numbers.length % 9))));
}

/**
 * @param {Uint8Array} bytes STL, binary or text
 * @returns {Mesh}
 * @throws {NoMesh}
 */
export function readStl(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length >= STL_HEAD ? view.getUint32(80, true) : 0;
  // Binary files may begin with "solid" too: their length tells.
  if (count && count <= MOST_TRIANGLES && bytes.length >= STL_HEAD + count * STL_TRIANGLE) {
    return binaryStl(view, count);
  }
  return textStl(bytes);
}

/**
 * @param {Uint8Array} bytes Wavefront OBJ; only its corners and faces are read
 * @returns {Mesh}
 * @throws {NoMesh}
 */
export function readObj(bytes) {
  const corners = [];
  const positions = [];
  for (const line of new TextDecoder().decode(bytes).split(/\r?\n/)) {
    const [kind, ...parts] = line.trim().split(/\s+/);
    if (kind === 'v') corners.push(parts.slice(0, 3).map(Number));
    else if (kind === 'f') {
      const face = parts.map((part) => {
        const index = Number.parseInt(part, 10);
        return corners[index < 0 ? corners.length + index : index - 1];
      });
      if (face.includes(undefined)) throw new NoMesh('a face without a corner');
      // A fan: faces may have more than three corners.
      for (let at = 1; at + 1 < face.length; at += 1) positions.push(...face[0], ...face[at], ...face[at + 1]);
      if (positions.length > MOST_TRIANGLES * 9) throw new NoMesh('too many triangles');
    }
  }
  return meshOf(Float32Array.from(positions));
}
