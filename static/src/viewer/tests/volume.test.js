import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planeOf } from '../planes.js';
import { VolumeSession } from '../volume/session.js';

const ROOM = 1e9;

function slice(at, z = at * 2) {
  const tags = {
    '00080060': ['CT'],
    '00280010': [4],
    '00280011': [5],
    '00280030': [1, 1],
    '00280100': [16],
    '00280002': [1],
    '00280004': ['MONOCHROME2'],
    '00200032': [0, 0, z],
    '00200037': [1, 0, 0, 0, 1, 0],
    '00200052': ['1.2'],
  };
  const instance = Object.fromEntries(Object.entries(tags).map(([tag, Value]) => [tag, { Value }]));
  return { imageId: `wadors:${at}`, instance, frame: 1 };
}

/** What Cornerstone decodes: every pixel is the number of its slice. */
function decoded(at, scale = { slope: 1, intercept: -1000 }) {
  const pixels = new Int16Array(20).fill(at);
  return { getPixelData: () => pixels, rows: 4, columns: 5, windowWidth: 400, windowCenter: 40, ...scale };
}

class FakePane extends EventTarget {
  constructor(place = null) {
    super();
    this.place = place;
    Object.assign(this, place);
  }

  async show(place, images, hung) {
    const stack = { images, index: hung.index, chosenWindow: hung.window ?? null, inverted: false };
    Object.assign(this, { place, volume: place.volume, images, hung, stack });
  }

  async open(place) {
    Object.assign(this, { place, volume: null });
  }
}

function viewerOf(images, pixels) {
  const pane = new FakePane({ study: 'study', series: 'series' });
  const get = async (imageId) => pixels[images.findIndex((image) => image.imageId === imageId)];
  pane.stack = { images, index: 3, chosenWindow: { width: 80, center: 40 }, inverted: false, store: { get } };
  const panes = {
    all: [pane],
    active: pane,
    rows: 1,
    columns: 1,
    layout(rows, columns) {
      Object.assign(this, { rows, columns });
      this.all = Array.from({ length: rows * columns }, (_, at) => this.all[at] ?? new FakePane());
    },
    activate(active) {
      this.active = active;
    },
  };
  const told = [];
  return { panes, told, screen: { tell: (line) => told.push(line) } };
}

const images = Array.from({ length: 10 }, (_, at) => slice(at));
const pixels = images.map((_, at) => decoded(at));

test('a volume takes four panes, each in its middle, in the window that it was read in', async () => {
  const viewer = viewerOf(images, pixels);
  await new VolumeSession(viewer).open(ROOM);
  const { all } = viewer.panes;
  assert.deepEqual(all.map(({ place }) => place.label), ['Axial', 'Coronal', 'Sagittal', 'MIP, turning']);
  assert.deepEqual(all.map(({ hung }) => hung.index), [4, 1, 2, 0]);
  assert.deepEqual(all[1].hung.window, { width: 80, center: 40 });
  assert.equal(viewer.told.at(-1), '');
});

test('a cut is an image as Cornerstone draws them, and lies where it was cut', async () => {
  const viewer = viewerOf(images, pixels);
  await new VolumeSession(viewer).open(ROOM);
  const [axial, coronal, , turning] = viewer.panes.all;
  const image = coronal.images[1].draw();
  assert.deepEqual([image.columns, image.rows, image.columnPixelSpacing, image.rowPixelSpacing], [5, 10, 1, 2]);
  assert.deepEqual([...image.getPixelData()].filter((_, at) => at % 5 === 0), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  assert.deepEqual([image.minPixelValue, image.maxPixelValue, image.intercept, image.dataType], [0, 9, -1000, 'Int16Array']);
  assert.deepEqual(planeOf(coronal.images[1]).origin, [0, 1, 18]);
  assert.deepEqual(planeOf(axial.images[0]).origin, [0, 0, 18]);
  assert.equal(planeOf(turning.images[0]), null);
  assert.equal(turning.images[9].draw().maxPixelValue, 9);
});

test('a slab is chosen for every cut at once, and each stays where it is', async () => {
  const viewer = viewerOf(images, pixels);
  const session = new VolumeSession(viewer);
  await session.open(ROOM);
  viewer.panes.all[0].stack.index = 5;
  await session.setSlab({ thickness: 5, mode: 'max' });
  const [axial, , , turning] = viewer.panes.all;
  assert.equal(axial.place.label, 'Axial · MIP 5 mm');
  assert.equal(axial.hung.index, 5);
  assert.equal(axial.images[5].draw().maxPixelValue, 5);
  assert.equal(turning.place.label, 'MIP, turning');
});

test('leaving brings back what was open', async () => {
  const viewer = viewerOf(images, pixels);
  const session = new VolumeSession(viewer);
  await session.open(ROOM);
  assert.equal(session.isOpen, true);
  await session.close();
  assert.equal(session.isOpen, false);
  const { rows, all } = viewer.panes;
  assert.deepEqual([rows, all.length, all[0].place.series, all[0].place.index], [1, 1, 'series', 3]);
});

test('slices with scales of their own are cut in rescaled values', async () => {
  const own = images.map((_, at) => decoded(1, { slope: at + 1, intercept: 0 }));
  const viewer = viewerOf(images, own);
  await new VolumeSession(viewer).open(ROOM);
  const image = viewer.panes.all[1].images[0].draw();
  assert.deepEqual([image.slope, image.minPixelValue, image.maxPixelValue], [1, 1, 10]);
});

test('a series that is no volume stays where it is, and the reader hears why', async () => {
  const leaning = images.map((image, at) => slice(at, at * at));
  const viewer = viewerOf(leaning, pixels);
  const session = new VolumeSession(viewer);
  await session.open(ROOM);
  assert.equal(viewer.panes.all.length, 1);
  assert.equal(session.isOpen, false);
  assert.match(viewer.told[0], /uneven/);
});

test('a series that is closed while its volume loads is given up', async () => {
  const viewer = viewerOf(images, pixels);
  const [pane] = viewer.panes.all;
  const { get } = pane.stack.store;
  pane.stack.store.get = async (imageId) => {
    pane.dispatchEvent(new Event('closed'));
    return get(imageId);
  };
  const session = new VolumeSession(viewer);
  await session.open(ROOM);
  assert.equal(viewer.panes.all.length, 1);
  assert.equal(session.isOpen, false);
});

test('pixels that the loader has rescaled already are not rescaled again', async () => {
  const scaled = images.map((_, at) => ({ ...decoded(at), preScale: { scaled: true } }));
  const viewer = viewerOf(images, scaled);
  await new VolumeSession(viewer).open(ROOM);
  const image = viewer.panes.all[0].images[0].draw();
  assert.deepEqual([image.slope, image.intercept, image.maxPixelValue], [1, 0, 9]);
});

test('a slice that was turned back into stored values fits among the others', async () => {
  const mixed = images.map((_, at) => ({ ...decoded(at), preScale: { scaled: true } }));
  const stored = Uint16Array.from({ length: 20 }, () => 40);
  mixed[4] = { ...mixed[4], preScale: { scaled: false }, slope: 0.1, intercept: 0, voxelManager: { getScalarData: () => stored } };
  const viewer = viewerOf(images, mixed);
  await new VolumeSession(viewer).open(ROOM);
  const seen = viewer.panes.all[1].images[0].draw().getPixelData();
  assert.deepEqual([...seen].filter((_, at) => at % 5 === 0), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
});
