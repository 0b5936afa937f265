import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affine, clamped, insidePolygon, polygonArea, thinned } from '../marks/geometry.js';
import { measured, noteOf, valueLines, writtenValue } from '../marks/measure.js';
import { greyValues, pixelUnit, statistics, valueAt } from '../marks/pixels.js';
import { dragged, ordered } from '../marks/shapes.js';
import { Marks, imageKey } from '../marks/store.js';
import { isWhole, orientationOf, visibleArea } from '../marks/view_state.js';
import { bodyOf, isOfStudy, stateOf, viewsOf } from '../marks/wire.js';

const dataset = (values) =>
  Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, { Value: [value].flat() }]));
const imageWith = (values) => ({ instance: dataset(values), frame: 1 });
const SPACED = imageWith({ '00280030': [0.5, 0.25], '00080060': 'CT' });
const near = (found, wanted, within = 1e-9) => assert.ok(Math.abs(found - wanted) <= within, `${found} is not ${wanted}`);

/** An image of ten by ten whose values are column + 10 · row. */
const decoded = (more = {}) => ({
  columns: 10,
  rows: 10,
  color: false,
  getPixelData: () => Int16Array.from({ length: 100 }, (_, at) => at),
  ...more,
});

const value = (mark, name) => mark.values.find((each) => each.name === name).value;

test('an affine map goes to the screen and back, turned and mirrored', () => {
  const map = affine([100, 50], [100, 52], [98, 50]);
  assert.deepEqual(map.apply([3, 4]), [92, 56]);
  assert.deepEqual(map.invert([92, 56]), [3, 4]);
});

test('a point beside the image becomes the nearest one on it', () => {
  assert.deepEqual(clamped([-3, 12], { columns: 10, rows: 10 }), [0, 10]);
});

test('an area does not depend on the direction of its outline', () => {
  const square = [[0, 0], [4, 0], [4, 3], [0, 3]]; // prettier-ignore
  assert.equal(polygonArea(square), 12);
  assert.equal(polygonArea(square.toReversed()), 12);
});

test('a notch of an outline is outside of it', () => {
  const notched = [[0, 0], [6, 0], [6, 6], [3, 1], [0, 6]]; // prettier-ignore
  assert.equal(insidePolygon([3, 4], notched), false);
  assert.equal(insidePolygon([1, 1], notched), true);
});

test('a hand that draws more points than may be kept loses the closest ones', () => {
  const line = Array.from({ length: 5000 }, (_, at) => [at / 10, 0]);
  const kept = thinned(line, 0.5, 300);
  assert.ok(kept.length <= 300 && kept.length > 100);
  assert.deepEqual(kept[0], [0, 0]);
});

test('a length counts rows and columns by their own spacing', () => {
  near(value(measured({ kind: 'length', points: [[0, 0], [4, 0]] }, SPACED, null), 'length'), 1); // prettier-ignore
  near(value(measured({ kind: 'length', points: [[0, 0], [0, 4]] }, SPACED, null), 'length'), 2); // prettier-ignore
});

test('an angle is that of the body, not that of pixels which are no squares', () => {
  const points = [[4, 0], [0, 0], [4, 2]]; // prettier-ignore
  near(value(measured({ kind: 'angle', points }, SPACED, null), 'angle'), 45, 1e-6);
  const byRatio = imageWith({ '00280034': [2, 1] });
  near(value(measured({ kind: 'angle', points }, byRatio, null), 'angle'), 45, 1e-6);
});

test('a Cobb angle does not depend on which end of a line was drawn first', () => {
  const lines = [[0, 0], [10, 2], [10, 8], [0, 10]]; // prettier-ignore
  const turned = [lines[1], lines[0], lines[3], lines[2]];
  const [one, other] = [lines, turned].map((points) => value(measured({ kind: 'cobb', points }, SPACED, null), 'cobb'));
  near(one, other);
  assert.ok(one > 0 && one < 90);
});

test('an area is in square millimetres, or in square pixels that say they are not calibrated', () => {
  const mark = { kind: 'rectangle', points: [[0, 0], [4, 0], [4, 2], [0, 2]] }; // prettier-ignore
  near(value(measured(mark, SPACED, null), 'area'), 1);
  const uncalibrated = measured(mark, imageWith({}), null);
  assert.deepEqual(uncalibrated.values, [{ name: 'area', value: 8, unit: 'px2' }]);
  assert.equal(noteOf(mark, imageWith({})), 'not calibrated');
});

test('an ellipse has the area of an ellipse and its longer axis first', () => {
  const mark = { kind: 'ellipse', points: [[0, 2], [8, 2], [4, 0], [4, 4]] }; // prettier-ignore
  near(value(measured(mark, imageWith({}), null), 'area'), Math.PI * 8);
  const inBody = measured(mark, imageWith({ '00280030': [4, 1] }), null);
  assert.deepEqual(inBody.points.slice(0, 2), [[4, 0], [4, 4]]); // prettier-ignore
});

test('mean and deviation are over the pixels whose middle is inside', () => {
  const region = { kind: 'rectangle', points: [[2, 3], [4, 3], [4, 5], [2, 5]] }; // prettier-ignore
  const found = statistics(greyValues(decoded()), region);
  assert.deepEqual(found, { mean: 37.5, deviation: Math.sqrt(25.25), minimum: 32, maximum: 43 });
});

test('a region smaller than a pixel has the value of its pixel', () => {
  const region = { kind: 'rectangle', points: [[2.6, 3.6], [2.9, 3.6], [2.9, 3.9], [2.6, 3.9]] }; // prettier-ignore
  assert.deepEqual(statistics(greyValues(decoded()), region), { mean: 32, deviation: 0, minimum: 32, maximum: 32 });
});

test('values are rescaled once: by the loader, or here', () => {
  assert.equal(valueAt(greyValues(decoded({ slope: 2, intercept: -1024 })), [3.9, 0.1]), -1018);
  assert.equal(valueAt(greyValues(decoded({ slope: 2, intercept: 5, preScale: { scaled: true } })), [3, 0]), 3);
});

test('colour has no values to sum up', () => {
  const mark = { kind: 'rectangle', points: [[0, 0], [4, 0], [4, 2], [0, 2]] }; // prettier-ignore
  assert.deepEqual(
    measured(mark, SPACED, decoded({ color: true })).values.map(({ name }) => name),
    ['area'],
  );
});

for (const [name, values, unit] of [
  ['CT', { '00080060': 'CT' }, 'HU'],
  ['CT of another scale', { '00080060': 'CT', '00281054': 'US' }, '1'],
  ['a mode that says Hounsfield', { '00080060': 'OT', '00281054': 'HU' }, 'HU'],
  ['digitised film', { '00080060': 'CR', '00281054': 'OD' }, 'OD'],
  ['PET in activity', { '00080060': 'PT', '00541001': 'BQML' }, 'Bq/ml'],
  ['MR', { '00080060': 'MR' }, '1'],
]) {
  test(`the unit of ${name} is ${unit}`, () => assert.equal(pixelUnit(imageWith(values)), unit));
}

test('a radiograph whose spacing is that of its detector says so, or how it was corrected', () => {
  const both = { '00280030': [0.1, 0.1], '00181164': [0.1, 0.1] };
  const mark = { kind: 'length', points: [[0, 0], [0, 110]] }; // prettier-ignore
  assert.equal(noteOf(mark, imageWith(both)), 'at detector');
  assert.equal(noteOf(mark, imageWith({ ...both, '00280A02': 'FIDUCIAL' })), '');
  assert.equal(noteOf(mark, imageWith({ '00280030': [0.09, 0.09], '00181164': [0.1, 0.1] })), '');
  const magnified = imageWith({ ...both, '00181114': 1.1 });
  assert.equal(noteOf(mark, magnified), 'magnification corrected');
  near(value(measured(mark, magnified, null), 'length'), 10);
});

test('a picture with ultrasound regions is not calibrated outside of them', () => {
  const region = dataset({
    '00186018': 10, '0018601A': 10, '0018601C': 99, '0018601E': 99, '00186024': 3, '00186026': 3, '0018602C': 0.1, '0018602E': 0.1,
  }); // prettier-ignore
  const image = imageWith({ '00186011': region, '00280030': [1, 1] });
  assert.equal(noteOf({ kind: 'length', points: [[0, 0], [5, 5]] }, image), 'not calibrated'); // prettier-ignore
  assert.equal(noteOf({ kind: 'length', points: [[20, 20], [50, 50]] }, image), ''); // prettier-ignore
});

test('values are written with as many digits as mean something', () => {
  assert.equal(writtenValue({ value: 12.345, unit: 'mm' }), '12.3 mm');
  assert.equal(writtenValue({ value: 12.345, unit: 'px' }), '12 px');
  assert.equal(writtenValue({ value: 12.345, unit: 'deg' }), '12.3°');
  assert.equal(writtenValue({ value: 12.345, unit: '1' }), '12.3');
  const mark = { values: [{ name: 'long_axis', value: 3, unit: 'mm' }, { name: 'short_axis', value: 2, unit: 'mm' }] }; // prettier-ignore
  assert.deepEqual(valueLines(mark), ['3.0 mm × 2.0 mm']);
});

test('a rectangle stays one, whichever corner is dragged', () => {
  const points = [[0, 0], [4, 0], [4, 2], [0, 2]]; // prettier-ignore
  assert.deepEqual(dragged({ kind: 'rectangle', points }, 2, [6, 5]), [[0, 0], [6, 0], [6, 5], [0, 5]]); // prettier-ignore
  assert.deepEqual(dragged({ kind: 'rectangle', points }, 1, [5, 1]), [[0, 1], [5, 1], [5, 2], [0, 2]]); // prettier-ignore
});

test('an axis of an ellipse grows at both ends', () => {
  const points = [[0, 2], [8, 2], [4, 0], [4, 4]]; // prettier-ignore
  assert.deepEqual(dragged({ kind: 'ellipse', points }, 1, [10, 3]), [[-2, 2], [10, 2], [4, 0], [4, 4]]); // prettier-ignore
});

test('the longer of two diameters comes first', () => {
  const mark = { kind: 'bidirectional', points: [[0, 0], [1, 0], [0, 0], [0, 5]] }; // prettier-ignore
  const length = ([ax, ay], [bx, by]) => Math.hypot(bx - ax, by - ay);
  assert.deepEqual(ordered(mark, length).points[1], [0, 5]);
});

const mark = (id, more = {}) => ({ id, kind: 'length', image: { series: 's', sop: 'i', frame: 1 }, points: [], values: [], label: '', tracking_uid: '', ...more }); // prettier-ignore

test('every change can be taken back and done again', () => {
  const marks = new Marks();
  marks.add(mark('a'));
  marks.replace(mark('a', { label: 'Hip' }));
  marks.remove('a');
  marks.undo();
  assert.equal(marks.all[0].label, 'Hip');
  marks.undo();
  marks.undo();
  assert.deepEqual([marks.all, marks.canUndo], [[], false]);
  marks.redo();
  assert.equal(marks.all[0].label, '');
  marks.add(mark('b'));
  assert.equal(marks.canRedo, false);
});

test('what was saved is not dirty, and is again once it is taken back', () => {
  const marks = new Marks();
  marks.toggleKey({ series: 's', sop: 'i', frame: 2 });
  assert.equal(marks.dirty, true);
  marks.markSaved();
  assert.equal(marks.dirty, false);
  marks.undo();
  assert.equal(marks.dirty, true);
  marks.redo();
  assert.equal(marks.dirty, false);
});

test('a key image is chosen by image and frame', () => {
  const marks = new Marks();
  const image = { series: 's', sop: 'i', frame: 2 };
  marks.toggleKey(image);
  assert.equal(marks.isKey(imageKey(image)), true);
  assert.equal(marks.isKey(imageKey({ ...image, frame: 1 })), false);
  marks.toggleKey({ ...image });
  assert.equal(marks.keys.length, 0);
});

test('a mark that is gone is no longer selected', () => {
  const marks = new Marks();
  marks.add(mark('a'));
  assert.equal(marks.selected, 'a');
  marks.undo();
  assert.equal(marks.selected, '');
});

for (const [name, linear, wanted] of [
  ['upright', [2, 0, 0, 2], { rotation: 0, flipped: false }],
  ['a quarter clockwise', [0, 2, -2, 0], { rotation: 90, flipped: false }],
  ['head down', [-2, 0, 0, -2], { rotation: 180, flipped: false }],
  ['mirrored', [-2, 0, 0, 2], { rotation: 0, flipped: true }],
  ['mirrored up and down', [2, 0, 0, -2], { rotation: 180, flipped: true }],
  ['a quarter, then mirrored', [0, 2, 2, 0], { rotation: 90, flipped: true }],
]) {
  test(`an image that lies ${name} is kept so`, () => assert.deepEqual(orientationOf(linear), wanted));
}

test('what is seen of an image is told from all of it', () => {
  const whole = affine([10, 0], [12, 0], [10, 2]);
  const image = { columns: 100, rows: 100 };
  assert.equal(isWhole(visibleArea(whole, { width: 220, height: 200 }), image), true);
  const closer = affine([-100, -100], [-96, -100], [-100, -96]);
  assert.deepEqual(visibleArea(closer, { width: 200, height: 200 }), [25, 25, 75, 75]);
  assert.equal(isWhole([25, 25, 75, 75], image), false);
  const farther = affine([50, 50], [51, 50], [50, 51]);
  assert.equal(isWhole(visibleArea(farther, { width: 200, height: 200 }), image), false);
});

test('what is drawn on computed planes and on priors is not sent', () => {
  const marks = new Marks();
  marks.add(mark('a'));
  marks.add(mark('b', { image: { series: '', sop: 'plane', frame: 1, foreign: true } }));
  assert.deepEqual(
    bodyOf(marks, new Map(), 'old').marks.map(({ image }) => image),
    [{ sop: 'i', frame: 1 }],
  );
  assert.equal(isOfStudy({ image: { series: 's', sop: 'i', foreign: true } }), false);
});

test('a version that was read is sent again as it was', () => {
  const version = {
    marks: [mark('x', { label: 'Hip', tracking_uid: '1.2' })],
    key_images: [{ series: 's', sop: 'i', frame: 1 }],
    key_note: 'for the surgeon',
    views: [{ images: [{ series: 's', sop: 'i', frame: 1 }, { series: 's', sop: 'i', frame: 2 }], window: [40, 400], inverted: true, rotation: 90, flipped: false, area: null }],
  }; // prettier-ignore
  const marks = new Marks();
  marks.load(stateOf(version));
  const body = bodyOf(marks, viewsOf(version), '1.2.3');
  assert.equal(body.replaces, '1.2.3');
  assert.equal(body.marks[0].tracking_uid, '1.2');
  assert.deepEqual([body.key_images, body.key_note], [[{ sop: 'i', frame: 1 }], 'for the surgeon']);
  assert.deepEqual(body.views, [
    { images: [{ sop: 'i', frame: 1 }], window: [40, 400], inverted: true, rotation: 90, flipped: false, area: null },
  ]);
});

test('a view of many images is sent by the name of their series', () => {
  const images = ['a', 'b'].map((sop) => ({ series: 's', sop, frame: 1 }));
  const view = { images, window: null, inverted: true, rotation: 0, flipped: false, area: null };
  assert.equal(bodyOf(new Marks(), new Map([['s', view]]), '').views[0].series, 's');
});
