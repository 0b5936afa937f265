import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alongCurve, findArch, splineThrough, usualArch } from '../hanging/arch/curve.js';
import { ArchSpace, archLevel, panorama, placeOfSection, section, sectionPlaces } from '../hanging/arch/sections.js';
import { Volume } from '../volume/volume.js';

const [SIZE, COUNT, SPACING, STEP] = [120, 20, 0.8, 1];
const ARCH = { a: 0.035, u: 48, v: 22 };
const onArch = (u) => ARCH.v + ARCH.a * (u - ARCH.u) ** 2;

/** A horseshoe of teeth (2,000) in soft tissue (0), from image 6 to 13; `axis` is what slices are stacked along. */
function jaw() {
  const value = (u, v, image) =>
    image >= 6 && image <= 13 && Math.abs(u - ARCH.u) < 26 && Math.abs(v - onArch(u)) < 6 ? 2000 : 0;
  // Slices from the lowest to the highest, as a volume keeps them; axial images count from the head.
  const slices = Array.from({ length: COUNT }, (_, z) =>
    Int16Array.from({ length: SIZE * SIZE }, (_, at) =>
      value((at % SIZE) * SPACING, Math.floor(at / SIZE) * SPACING, COUNT - 1 - z),
    ),
  );
  const planes = slices.map((_, z) => ({
    origin: [0, 0, z * STEP], right: [1, 0, 0], down: [0, 1, 0], spacing: [SPACING, SPACING], frame: '1.2',
  }));
  return new Volume({ slices, planes, columns: SIZE, rows: SIZE });
}

test('a curve goes through its points and is walked at equal distances', () => {
  const points = [[0, 10], [5, 2], [10, 0], [15, 2], [20, 10]];
  const line = splineThrough(points);
  for (const point of points) {
    assert.ok(Math.min(...line.map(([u, v]) => Math.hypot(u - point[0], v - point[1]))) < 1e-9);
  }
  const places = alongCurve(points, 0.5);
  for (const [at, { u, v }] of places.entries()) {
    if (at) assert.ok(Math.abs(Math.hypot(u - places[at - 1].u, v - places[at - 1].v) - 0.5) < 0.02);
  }
  const apex = places.reduce((best, place) => (place.v < best.v ? place : best));
  assert.ok(apex.outward[1] < -0.99, 'outwards is to the front at the incisors');
  assert.ok(places[2].outward[0] < 0 && places.at(-2).outward[0] > 0, 'and to the cheeks at the molars');
});

test('the arch is found where the teeth are', () => {
  const space = new ArchSpace(jaw());
  const level = archLevel(space, 1000);
  assert.ok(level >= 6 && level <= 13);
  const handles = findArch({ ...space.axial, pixels: space.volume.pixels('axial', level) }, 1000);
  assert.equal(handles.length, 7);
  for (const [u, v] of handles) assert.ok(Math.abs(v - onArch(u)) < 2, `${u} ${v}`);
});

test('where nothing looks like an arch there is a usual one', () => {
  const empty = { pixels: new Int16Array(SIZE * SIZE), columns: SIZE, rows: SIZE, spacing: [SPACING, SPACING] };
  assert.equal(findArch(empty, 1000), null);
  const handles = usualArch(96, 96);
  assert.equal(handles.length, 7);
  assert.ok(handles.every(([u, v]) => u > 0 && v > 0 && u < 96 && v < 96));
});

test('rolled out flat, the teeth are a band', () => {
  const space = new ArchSpace(jaw());
  const handles = findArch({ ...space.axial, pixels: space.volume.pixels('axial', 9) }, 1000);
  const { pixels, columns, rows } = panorama(space, handles);
  assert.equal(rows, COUNT);
  const middle = Array.from({ length: columns - 20 }, (_, at) => pixels[9 * columns + at + 10]);
  assert.ok(Math.min(...middle) > 1200);
  assert.ok(Math.max(...pixels.subarray(0, columns)) < 1);
  assert.ok(panorama(space, handles, 16).pixels[9 * columns + Math.floor(columns / 2)] < 300, 'not outside of them');
});

test('a section cuts the arch where it stands, the tongue on the right', () => {
  const space = new ArchSpace(jaw());
  const handles = findArch({ ...space.axial, pixels: space.volume.pixels('axial', 9) }, 1000);
  const places = sectionPlaces(handles);
  const place = places[Math.floor(places.length / 2)];
  const { pixels, columns, spacing } = section(space, place);
  const row = [...pixels.subarray(9 * columns, 10 * columns)];
  const lit = row.flatMap((value, at) => (value > 1000 ? [at] : []));
  assert.ok(Math.abs((lit.at(-1) - lit[0]) * spacing[0] - 12) < 2, 'as thick as the teeth');
  const { origin, right, down } = placeOfSection(space, place);
  assert.ok(right[1] > 0.99 && down[2] === -1, 'from the lips to the tongue, from the head down');
  assert.ok(Math.abs(origin[0] - ARCH.u) < 2 && Math.abs(origin[1] - (ARCH.v - 18)) < 2);
});

test('between voxels lies what lies between their values', () => {
  const space = new ArchSpace(jaw());
  const edge = space.sample(ARCH.u, ARCH.v, 5.5);
  assert.ok(edge > 900 && edge < 1100);
  assert.equal(space.sample(-5, 0, 0), 0);
});
