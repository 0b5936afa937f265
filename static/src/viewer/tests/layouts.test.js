import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameLength, laidOut, layoutOf } from '../layouts.js';
import { expandSegments } from '../palette.js';

/** A DICOM JSON dataset from `{ tag: value or values }`. */
function dataset(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { Value: [value].flat() }]),
  );
}

function image(more) {
  return dataset({
    '00280010': 1,
    '00280011': 2,
    '00280100': 8,
    '00280101': 8,
    '00280002': 1,
    '00280004': 'MONOCHROME2',
    ...more,
  });
}

const bytesOf = (numbers) => new Uint8Array(numbers.buffer);
const value = (instance, tag) => instance[tag].Value[0];
const base64 = (numbers) => Buffer.from(numbers.buffer).toString('base64');

function withTables(instance, [red, green, blue], bits = 16, tags = ['00281201', '00281202', '00281203']) {
  [red, green, blue].forEach((table, at) => {
    instance[`0028110${at + 1}`] = { Value: [table.length, 0, bits] };
    instance[tags[at]] = { InlineBinary: base64(Uint16Array.from(table)) };
  });
  return instance;
}

test('what Cornerstone draws itself stays as it is, without the byte that pads it', () => {
  const instance = image({});
  const drawn = laidOut(instance, Uint8Array.from([7, 9, 0]));
  assert.deepEqual([...drawn.bytes], [7, 9]);
  assert.equal(drawn.instance, instance);
});

test('single bits become bytes, the least significant first, in a window of their own', () => {
  const instance = image({ '00280011': 10, '00280100': 1, '00280101': 1 });
  assert.equal(frameLength(layoutOf(instance)), 2);
  const drawn = laidOut(instance, Uint8Array.from([0b10000001, 0b10]));
  assert.deepEqual([...drawn.bytes], [1, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
  assert.deepEqual([value(drawn.instance, '00280100'), value(drawn.instance, '00281051')], [8, 2]);
});

test('halved chroma becomes red, green and blue', () => {
  const instance = image({ '00280002': 3, '00280004': 'YBR_FULL_422' });
  assert.equal(frameLength(layoutOf(instance)), 4);
  const drawn = laidOut(instance, Uint8Array.from([76, 150, 85, 255]));
  assert.deepEqual([...drawn.bytes.subarray(0, 3)], [254, 0, 0]);
  assert.equal(value(drawn.instance, '00280004'), 'RGB');
  const studio = laidOut(
    image({ '00280002': 3, '00280004': 'YBR_PARTIAL_422' }),
    Uint8Array.from([16, 235, 128, 128]),
  );
  assert.deepEqual([...studio.bytes], [0, 0, 0, 255, 255, 255]);
});

test('deep colour becomes eight bits, by pixel and by plane', () => {
  const deep = { '00280002': 3, '00280004': 'RGB', '00280100': 16, '00280101': 16 };
  const words = bytesOf(Uint16Array.from([65535, 0, 257, 0, 514, 65535]));
  assert.deepEqual([...laidOut(image(deep), words).bytes], [255, 0, 1, 0, 2, 255]);
  const planes = laidOut(image({ ...deep, '00280006': 1 }), words);
  assert.deepEqual([...planes.bytes], [255, 1, 2, 0, 0, 255]);
  const wide = image({ ...deep, '00280100': 32, '00280101': 32 });
  assert.deepEqual(
    [...laidOut(wide, bytesOf(Uint32Array.from([4294967295, 0, 0, 0, 0, 0]))).bytes],
    [255, 0, 0, 0, 0, 0],
  );
});

test('a palette of sixteen bits colours its indices; those beyond it take its last colour', () => {
  const instance = withTables(image({ '00280004': 'PALETTE COLOR', '00280100': 16, '00280101': 16 }), [
    [0, 65535],
    [0, 32768],
    [0, 0],
  ]);
  const drawn = laidOut(instance, bytesOf(Uint16Array.from([1, 9])));
  assert.deepEqual([...drawn.bytes], [255, 128, 0, 255, 128, 0]);
});

test('a segmented palette is written out: discrete, linear, and again from elsewhere', () => {
  const table = [0, 2, 10, 20, 1, 4, 60, 2, 1, 0, 0];
  assert.deepEqual(expandSegments(table), [10, 20, 30, 40, 50, 60, 10, 20]);
  const instance = withTables(
    image({ '00280004': 'PALETTE COLOR' }),
    [table, table, table],
    16,
    ['00281221', '00281222', '00281223'],
  );
  assert.deepEqual([...laidOut(instance, Uint8Array.from([2, 5])).bytes], [30, 30, 30, 60, 60, 60]);
});

test('a segmented palette that points at nothing or at itself comes to an end', () => {
  assert.deepEqual(expandSegments([2, 3, 9, 9]), []);
  assert.deepEqual(expandSegments([7, 7]), []);
  assert.ok(expandSegments([1, 65535, 5, 1, 65535, 9]).length <= 65536);
});

test('a palette image without its tables is none', () => {
  assert.equal(laidOut(image({ '00280004': 'PALETTE COLOR' }), new Uint8Array(2)), null);
});

test('wide integers keep their values, and a dose its scale', () => {
  const instance = image({ '00280100': 32, '00280101': 32, '3004000E': 0.001 });
  const drawn = laidOut(instance, bytesOf(Uint32Array.from([1000000, 1000500])));
  assert.deepEqual([...new Uint16Array(drawn.bytes.buffer)], [0, 500]);
  const [slope, intercept] = [value(drawn.instance, '00281053'), value(drawn.instance, '00281052')];
  assert.ok(Math.abs(500 * slope + intercept - 1000.5) < 1e-6);
  assert.equal(value(drawn.instance, '00281050'), 1000.25);
});

test('floating pixels keep their values to a 65,535th of their range, and what is no number is the least', () => {
  const instance = image({ '00280011': 4, '00280100': 32 });
  delete instance['00280101'];
  const numbers = Float32Array.from([-1.5, 0.25, 3.5, NaN]);
  const drawn = laidOut(instance, bytesOf(numbers));
  const [slope, intercept] = [value(drawn.instance, '00281053'), value(drawn.instance, '00281052')];
  const shown = [...new Uint16Array(drawn.bytes.buffer)].map((each) => each * slope + intercept);
  [-1.5, 0.25, 3.5, -1.5].forEach((wanted, at) => assert.ok(Math.abs(shown[at] - wanted) <= 5 / 65535));
});

test('an image of one value has a window, and its own where it states one', () => {
  const flat = image({ '00280011': 1, '00280100': 32, '00280101': 32 });
  assert.ok(value(laidOut(flat, bytesOf(Uint32Array.from([7]))).instance, '00281051') > 0);
  const stated = laidOut({ ...flat, ...dataset({ '00281050': 5, '00281051': 9 }) }, bytesOf(Uint32Array.from([7])));
  assert.deepEqual([value(stated.instance, '00281050'), value(stated.instance, '00281051')], [5, 9]);
});

test('a modality table is looked up, its ends going on for ever', () => {
  const instance = image({ '00280011': 3, '00280100': 16, '00280101': 12, '00280103': 1, '00080060': 'OT' });
  instance['00283000'] = { Value: [{ ...dataset({ '00283002': [2, 65535, 16] }), '00283006': { Value: [100, 300] } }] };
  const drawn = laidOut(instance, bytesOf(Int16Array.from([-5, -1, 7])));
  assert.deepEqual([...new Uint16Array(drawn.bytes.buffer)], [100, 100, 300]);
  assert.equal(value(drawn.instance, '00280103'), 0);
  assert.equal(drawn.instance['00283000'], undefined);
  // Twelve bits: the sign is not the highest of sixteen.
  const unextended = laidOut(instance, bytesOf(Int16Array.from([0x0fff, 0x0800, 0x0001])));
  assert.deepEqual([...new Uint16Array(unextended.bytes.buffer)], [100, 100, 300]);
});

test('a display table counts where there is no window, and not for what is measured', () => {
  const entries = { InlineBinary: base64(Uint16Array.from([255, 0])) };
  const lut = { ...dataset({ '00283002': [2, 0, 8] }), '00283006': entries };
  const radiograph = { ...image({ '00080060': 'DX' }), '00283010': { Value: [lut] } };
  const drawn = laidOut(radiograph, Uint8Array.from([0, 1]));
  assert.deepEqual([...new Uint16Array(drawn.bytes.buffer)], [255, 0]);
  assert.deepEqual([value(drawn.instance, '00281050'), value(drawn.instance, '00281051')], [128, 256]);
  for (const more of [{ '00281050': 1, '00281051': 2 }, { '00080060': 'CT' }]) {
    const other = { ...radiograph, ...dataset(more) };
    assert.deepEqual([...laidOut(other, Uint8Array.from([0, 1])).bytes], [0, 1]);
  }
});
