import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextFrame } from '../cine.js';
import { levelsOf } from '../levels.js';
import { followed } from '../links.js';
import { areParallel, lettersOf, nearestTo, planeOf, referenceLine } from '../planes.js';
import { nextWanted } from '../prefetch.js';
import { presetsFor } from '../presets.js';
import { describe } from '../priors.js';
import { whyNoVolume } from '../volume/checks.js';
import { Volume, orderOf } from '../volume/volume.js';

const AXIAL = [1, 0, 0, 0, 1, 0];
const SAGITTAL = [0, 1, 0, 0, 0, -1];
const ROOM = 1e9;

function dataset(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { Value: [value].flat() }]),
  );
}

function image(position, orientation = AXIAL, more = {}) {
  const instance = dataset({
    '00280010': 4,
    '00280011': 5,
    '00280030': [2, 1],
    '00280100': 16,
    '00280002': 1,
    '00280004': 'MONOCHROME2',
    '00200032': position,
    '00200037': orientation,
    '00200052': '1.2.3',
    ...more,
  });
  return { instance, frame: 1 };
}

const stack = (count, step = 3, more = {}) =>
  Array.from({ length: count }, (_, at) => image([0, 0, at * step], AXIAL, more));

test('a plane knows its size in millimetres: row spacing goes down, column spacing across', () => {
  const plane = planeOf(image([1, 2, 3]));
  assert.deepEqual([plane.width, plane.height, plane.normal], [5, 8, [0, 0, 1]]);
});

test('a frame of a multi-frame image lies where its own group says', () => {
  const instance = {
    ...dataset({ '00280010': 4, '00280011': 5, '00200052': '1' }),
    52009230: { Value: [{}, { '00209113': { Value: [dataset({ '00200032': [0, 0, 9] })] } }] },
    52009229: {
      Value: [
        {
          '00209116': { Value: [dataset({ '00200037': AXIAL })] },
          '00289110': { Value: [dataset({ '00280030': [1, 1] })] },
        },
      ],
    },
  };
  assert.deepEqual(planeOf({ instance, frame: 2 }).origin, [0, 0, 9]);
  assert.equal(planeOf({ instance, frame: 1 }), null);
});

test('an image without a position, or with a direction of zeros, has no plane', () => {
  assert.equal(planeOf(image([])), null);
  assert.equal(planeOf(image([0, 0, 0], [0, 0, 0, 0, 0, 0])), null);
});

test('a sagittal image draws one upright line on an axial one', () => {
  const axial = planeOf(image([-10, -10, 0], AXIAL, { '00280010': 20, '00280011': 20, '00280030': [1, 1] }));
  const sagittal = planeOf(image([2, -10, 10], SAGITTAL, { '00280010': 20, '00280011': 20, '00280030': [1, 1] }));
  const line = referenceLine(axial, sagittal);
  assert.deepEqual(line.map((point) => point.map((value) => Math.round(value) + 0)).sort(), [
    [2, -10, 0],
    [2, 10, 0],
  ].sort());
});

test('no line between parallel images, images that do not meet, or two frames of reference', () => {
  const axial = planeOf(image([0, 0, 0]));
  assert.equal(referenceLine(axial, planeOf(image([0, 0, 5]))), null);
  assert.equal(referenceLine(axial, planeOf(image([2, 0, 500], SAGITTAL))), null);
  assert.equal(referenceLine(axial, planeOf(image([2, 0, 2], SAGITTAL, { '00200052': '9' }))), null);
});

test('a tilt of a few degrees still counts as parallel, a right angle does not', () => {
  const tilted = [1, 0, 0, 0, Math.cos(0.05), Math.sin(0.05)];
  assert.equal(areParallel(planeOf(image([0, 0, 0])), planeOf(image([0, 0, 0], tilted))), true);
  assert.equal(areParallel(planeOf(image([0, 0, 0])), planeOf(image([0, 0, 0], SAGITTAL))), false);
});

test('directions are named by the patient, the strongest first', () => {
  assert.equal(lettersOf([1, 0, 0]), 'L');
  assert.equal(lettersOf([0, 0, -1]), 'F');
  assert.equal(lettersOf([0.5, -0.86, 0]), 'AL');
});

const place = (images, index) => ({ planes: images.map(planeOf), index });

test('a stack of another spacing follows to the same position', () => {
  const [thin, thick] = [stack(30, 1), stack(10, 3)];
  assert.equal(followed(place(thin, 21), place(thick, 0), null), 7);
  assert.equal(followed(place(thick, 9), place(thin, 0), null), 27);
});

test('a prior follows only when it is tied, and by millimetres', () => {
  const now = stack(30, 1);
  const prior = stack(10, 3, { '00200052': '9' });
  assert.equal(followed(place(now, 12), place(prior, 1), null), null);
  const link = { from: place(now, 6), to: place(prior, 1) };
  assert.equal(followed(place(now, 12), place(prior, 1), link), 3);
  assert.equal(followed(place(now, 29), place(prior, 1), link), 9);
});

test('images without positions follow by number when they are tied, and stop at the ends', () => {
  const loose = Array.from({ length: 5 }, () => image([]));
  const link = { from: place(loose, 0), to: place(loose, 1) };
  assert.equal(followed(place(loose, 2), place(loose, 1), link), 3);
  assert.equal(followed(place(loose, 4), place(loose, 1), link), 4);
});

test('the nearest of images that say where they lie', () => {
  assert.equal(nearestTo([null, planeOf(image([0, 0, 1])), planeOf(image([0, 0, 9]))], [0, 0, 8]), 2);
  assert.equal(nearestTo([null], [0, 0, 0]), null);
});

test('evenly spaced parallel slices are a volume', () => {
  assert.equal(whyNoVolume(stack(10), ROOM), '');
});

const refused = [
  ['too few', stack(4), /at least 8 slices/],
  ['uneven gaps', [...stack(9), image([0, 0, 40])], /uneven: 16.0 mm after slice 9/],
  ['gantry tilt', Array.from({ length: 10 }, (_, at) => image([0, at, at * 3])), /gantry tilt/],
  ['mixed directions', [...stack(9), image([0, 0, 27], SAGITTAL)], /different directions/],
  ['mixed sizes', [...stack(9), image([0, 0, 27], AXIAL, { '00280010': 8 })], /different sizes/],
  ['two at one place', [...stack(9), image([0, 0, 24])], /same place/],
  ['no positions', Array.from({ length: 10 }, () => image([])), /do not say where/],
  ['colour', stack(10, 3, { '00280002': 3 }), /in colour/],
];

for (const [name, images, reason] of refused) {
  test(`no volume: ${name}`, () => assert.match(whyNoVolume(images, ROOM), reason));
}

test('a volume that does not fit says so', () => {
  assert.match(whyNoVolume(stack(10), 100), /has room for 0 MB/);
});

/** Each voxel is its own address: 100 k + 10 j + i, for columns i, rows j and slices k. */
function addressed(planes) {
  const slices = planes.map((_, k) => Int16Array.from({ length: 20 }, (_, at) => 100 * k + 10 * Math.floor(at / 5) + (at % 5)));
  return new Volume({ slices, planes, columns: 5, rows: 4 });
}

const volume = addressed(stack(8).map(planeOf));

test('an axial cut of an axial series is its slices, from head to feet', () => {
  assert.deepEqual(volume.cut('axial'), { columns: 5, rows: 4, count: 8, spacing: [1, 2], step: 3 });
  assert.deepEqual([...volume.pixels('axial', 0)].slice(0, 6), [700, 701, 702, 703, 704, 710]);
  assert.deepEqual(volume.placeOf('axial', 0).origin, [0, 0, 21]);
});

test('a coronal cut has the head on top and goes from front to back', () => {
  assert.deepEqual(volume.cut('coronal'), { columns: 5, rows: 8, count: 4, spacing: [1, 3], step: 2 });
  const pixels = volume.pixels('coronal', 1);
  assert.deepEqual([...pixels].slice(0, 5), [710, 711, 712, 713, 714]);
  assert.deepEqual([...pixels].slice(-5), [10, 11, 12, 13, 14]);
  assert.deepEqual(volume.placeOf('coronal', 1), { origin: [0, 2, 21], right: [1, 0, 0], down: [-0, -0, -1] });
});

test('a sagittal cut has the face to the left and the head on top', () => {
  const pixels = volume.pixels('sagittal', 2);
  assert.deepEqual([...pixels].slice(0, 4), [702, 712, 722, 732]);
  assert.deepEqual(volume.cut('sagittal').count, 5);
});

test('a sagittal series cuts the same way', () => {
  const planes = Array.from({ length: 8 }, (_, at) => planeOf(image([at * 3, 0, 0], SAGITTAL)));
  const other = addressed(planes);
  assert.deepEqual(other.cut('axial'), { columns: 8, rows: 5, count: 4, spacing: [3, 1], step: 2 });
  assert.deepEqual([...other.pixels('axial', 0)].slice(0, 8), [0, 100, 200, 300, 400, 500, 600, 700]);
});

test('a slab shows the brightest, the darkest or the mean of what lies in it', () => {
  assert.equal(volume.pixels('axial', 4, { thickness: 7, mode: 'max' })[0], 400);
  assert.equal(volume.pixels('axial', 4, { thickness: 7, mode: 'min' })[0], 200);
  assert.equal(volume.pixels('axial', 4, { thickness: 7, mode: 'mean' })[0], 300);
  assert.equal(volume.pixels('axial', 0, { thickness: 1000, mode: 'max' })[0], 700);
});

test('a point is found in every cut', () => {
  assert.equal(volume.indexAt('axial', [0, 0, 21]), 0);
  assert.equal(volume.indexAt('coronal', [0, 2.2, 0]), 1);
  assert.equal(volume.indexAt('sagittal', [99, 0, 0]), 4);
});

test('the turning projection sees the brightest along each ray, from the front and from the back', () => {
  const slices = Array.from({ length: 8 }, () => new Int16Array(100));
  slices[2][5 * 10 + 1] = 900;
  const planes = Array.from({ length: 8 }, (_, at) =>
    planeOf(image([0, 0, at], AXIAL, { '00280010': 10, '00280011': 10, '00280030': [1, 1] })),
  );
  const round = new Volume({ slices, planes, columns: 10, rows: 10 });
  const seen = (angle) => {
    const { pixels, columns } = round.spin(angle);
    const at = pixels.indexOf(900);
    return [Math.floor(at / columns), (at % columns) - columns / 2];
  };
  const [row, column] = seen(0);
  assert.equal(row, 5);
  assert.ok(column < 0);
  assert.ok(seen(Math.PI)[1] > 0);
});

test('slices are ordered by where they lie', () => {
  assert.deepEqual(orderOf([30, 10, 20].map((z) => planeOf(image([0, 0, z])))), [1, 2, 0]);
});

const LEVELS = { low: 0, high: 1000, darkest: 100, brightest: 500 };
const names = (presets) => presets.map(({ name }) => name);

test('CT keeps its first six windows, and adds what the part of the body needs', () => {
  const head = presetsFor({ instance: dataset({ '00080060': 'CT', '00180015': 'HEAD' }), frame: 1 }, LEVELS);
  assert.deepEqual(names(head).slice(0, 6), ['Soft tissue', 'Lung', 'Bone', 'Brain', 'Angio', 'Teeth and jaw']);
  assert.ok(names(head).includes('Stroke'));
  assert.ok(!names(head).includes('Liver'));
});

test("other images begin with the file's own windows, explained", () => {
  const instance = dataset({
    '00080060': 'MR',
    '00281050': [40, 90],
    '00281051': [80, 200],
    '00281055': ['NORMAL', 'HARDER'],
  });
  const presets = presetsFor({ instance, frame: 1 }, LEVELS);
  assert.deepEqual(presets.slice(0, 2), [
    { name: 'NORMAL', width: 80, center: 40 },
    { name: 'HARDER', width: 200, center: 90 },
  ]);
  assert.deepEqual(presets.find(({ name }) => name === 'Full range'), { name: 'Full range', width: 1000, center: 500 });
});

test('a table of brightness becomes a window over what it maps, by its explanation', () => {
  const lut = { ...dataset({ '00283002': [4096, 0, 16], '00283003': 'PANORAMIC' }) };
  const instance = { ...dataset({ '00080060': 'PX' }), '00283010': { Value: [lut] } };
  assert.deepEqual(presetsFor({ instance, frame: 1 }, LEVELS)[0], { name: 'PANORAMIC', width: 4096, center: 2048 });
});

test('levels are rescaled, and leave out the outermost hundredth', () => {
  const pixels = Int16Array.from({ length: 1000 }, (_, at) => at);
  const levels = levelsOf({ getPixelData: () => pixels, slope: 2, intercept: -100, minPixelValue: 0, maxPixelValue: 999 });
  assert.deepEqual(levels, { low: -100, high: 1898, darkest: -80, brightest: 1880 });
});

test('playing loops, swings or ends', () => {
  assert.deepEqual(nextFrame(4, 1, 5, 'loop'), { index: 0, direction: 1 });
  assert.deepEqual(nextFrame(4, 1, 5, 'swing'), { index: 3, direction: -1 });
  assert.deepEqual(nextFrame(0, -1, 5, 'swing'), { index: 1, direction: 1 });
  assert.equal(nextFrame(4, 1, 5, 'once'), null);
});

test('the eye needs the nearest first, and what lies ahead before what lies behind', () => {
  const wanted = [0, 8, 9, 11, 12, 20];
  assert.equal(nextWanted(wanted, 10, 0), 9);
  assert.equal(nextWanted(wanted, 10, 1), 11);
  assert.equal(nextWanted([8, 13], 10, 1), 13);
  assert.equal(nextWanted([8, 13], 10, -1), 8);
  assert.equal(nextWanted([], 10, 1), null);
});

test('priors say their day and how much earlier they were made', () => {
  const row = { study: '1', title: 'Doe, Jane · P', date: '2024-01-01', description: 'Head', modalities: ['CT'] };
  assert.equal(describe(row, '2026-03-01').heading, '1 Jan 2024 · 2 years earlier');
  assert.equal(describe(row, '2024-02-01').heading, '1 Jan 2024 · 31 days earlier');
  assert.equal(describe(row, '2023-10-01').heading, '1 Jan 2024 · 3 months later');
  assert.equal(describe({ ...row, date: '' }, '2024-02-01').heading, 'No date');
  assert.equal(describe(row, '').subtitle, '1 Jan 2024 · CT');
});
