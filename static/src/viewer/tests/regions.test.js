import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regionAround, regionDifference, regionSpacing, regionsOf } from '../ultrasound_regions.js';

/** A DICOM JSON dataset from `{ tag: value or values }`. */
function dataset(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { Value: [value].flat() }]),
  );
}

function region([left, top, right, bottom], [xUnit, yUnit], [x, y], more = {}) {
  return dataset({
    '00186018': left,
    '0018601A': top,
    '0018601C': right,
    '0018601E': bottom,
    '00186024': xUnit,
    '00186026': yUnit,
    '0018602C': x,
    '0018602E': y,
    ...more,
  });
}

const SECTOR = region([0, 0, 399, 299], [3, 3], [0.05, 0.04], { '00186014': 1 });
const DOPPLER = region([0, 300, 399, 399], [4, 7], [0.01, -0.5], {
  '00186014': 3,
  '00186020': 0,
  '00186022': 50,
});
const image = dataset({ '00186011': [SECTOR, DOPPLER] });

test('regions have a box, units, a name, and a point where both axes are zero', () => {
  const [sector, doppler] = regionsOf(image);
  assert.deepEqual([sector.name, sector.isSpatial, sector.x], ['Tissue', true, { unit: 'mm', perPixel: 0.5 }]);
  assert.deepEqual([doppler.name, doppler.isSpatial, doppler.y.unit], ['PW Doppler', false, 'cm/s']);
  assert.deepEqual([sector.origin, doppler.origin], [null, [0, 350]]);
});

test('only a region of lengths gives a spacing, and only to points inside of it', () => {
  const inside = [
    [10, 10],
    [20, 20],
  ];
  assert.deepEqual(regionSpacing(image, inside), [0.4, 0.5]);
  assert.equal(regionSpacing(image, [[10, 10], [10, 350]]), null);
  assert.equal(regionSpacing(image, [[10, 310], [20, 350]]), null);
  assert.equal(regionSpacing({}, inside), null);
});

test('on a Doppler curve two points are so many seconds and cm/s apart', () => {
  const { x, y } = regionDifference(image, [[10, 310], [110, 350]]);
  assert.deepEqual([x, y], [{ value: 1, unit: 's' }, { value: 20, unit: 'cm/s' }]);
});

test('where regions lie on one another the smallest counts', () => {
  const inset = region([10, 10, 50, 50], [3, 3], [0.01, 0.01]);
  const both = dataset({ '00186011': [SECTOR, inset] });
  assert.equal(regionAround(both, [[20, 20]]).x.perPixel, 0.1);
});

test('a region without an extent or a step says nothing', () => {
  assert.deepEqual(regionsOf(dataset({ '00186011': [dataset({}), region([5, 5, 5, 9], [3, 3], [1, 1])] })), []);
  const stepless = dataset({ '00186011': region([0, 0, 9, 9], [3, 3], [0, 0]) });
  assert.equal(regionSpacing(stepless, [[1, 1]]), null);
});
