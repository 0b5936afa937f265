import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentTree } from '../kinds/content_tree.js';
import { pointsOf } from '../kinds/ecg_paper.js';
import { MeshCamera } from '../kinds/mesh_camera.js';
import { NoMesh, readObj, readStl } from '../kinds/mesh_files.js';
import { evidenceOf } from '../kinds/references.js';
import { kindFor } from '../kinds/registry.js';
import { labelsOf, levelsOf, scaleBar, spacingOf } from '../kinds/slide_pyramid.js';
import { familyOf } from '../kinds/sop_classes.js';
import { containerOf, mayPlay } from '../kinds/video_container.js';
import { annotationsOf, multiplexGroups, shortLead } from '../kinds/waveform_data.js';
import { iconOf, mayHoldImages } from '../series_titles.js';

/** A DICOM JSON dataset from `{ tag: value or values }`. */
function dataset(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { Value: [value].flat() }]),
  );
}

const code = (meaning, value = '1', scheme = 'TEST') =>
  dataset({ '00080100': value, '00080102': scheme, '00080104': meaning });

const PDF = '1.2.840.10008.5.1.4.1.1.104.1';
const CT = '1.2.840.10008.5.1.4.1.1.2';
const KEYS = '1.2.840.10008.5.1.4.1.1.88.59';

test('a SOP Class is of the family that its UID begins with, the longest first', () => {
  assert.equal(familyOf(PDF).family, 'pdf');
  assert.equal(familyOf('1.2.840.10008.5.1.4.1.1.104.10').family, 'image');
  assert.equal(familyOf('1.2.840.10008.5.1.4.1.1.88.33').family, 'report');
  assert.equal(familyOf(KEYS).family, 'keys');
  assert.equal(familyOf('1.2.840.10008.5.1.4.1.1.66.4').family, 'image');
  assert.equal(familyOf('1.2.840.10008.5.1.4.1.1.11.1').family, 'other');
  assert.equal(familyOf('1.2.3').family, 'image');
});

test('a series goes to the kind that shows it, and images to none', () => {
  const named = (...metadata) => kindFor({}, metadata)?.name;
  const image = { '00280010': 4, '00280011': 4, '00080016': CT };
  assert.equal(named(dataset({ '00080016': PDF })), 'pdf');
  assert.equal(named(dataset({ '00080060': 'SR' })), 'report');
  assert.equal(named(dataset(image)), undefined);
  assert.equal(named(dataset({ ...image, '00083002': '1.2.840.10008.1.2.4.102' })), 'video');
  assert.equal(named(dataset({ '00080016': PDF }), dataset(image)), undefined);
  assert.equal(named(dataset({ '00080016': CT })), 'other');
  assert.equal(named(), undefined);
});

test('the list of series tells kinds apart by modality', () => {
  assert.equal(mayHoldImages(dataset({ '00080060': 'CT' })), true);
  assert.equal(mayHoldImages(dataset({ '00080060': 'SM' })), true);
  assert.equal(mayHoldImages(dataset({ '00080060': 'SR' })), false);
  assert.equal(iconOf(dataset({ '00080060': 'DOC' })), 'document');
  assert.equal(iconOf(dataset({ '00080060': 'XX' })), 'other');
});

test('a report is read into sections, words and numbers with their units', () => {
  const length = dataset({
    '0040A040': 'NUM',
    '0040A043': code('Length'),
    '0040A300': dataset({ '0040A30A': 12.5, '004008EA': code('millimeter', 'mm', 'UCUM') }),
  });
  const document = dataset({
    '0040A040': 'CONTAINER',
    '0040A043': code('Report'),
    '0040A730': [dataset({ '0040A040': 'TEXT', '0040A043': code('Finding'), '0040A160': '<b>none</b>' }), length],
  });
  const { root, cut } = contentTree(document);
  assert.equal(root.name, 'Report');
  assert.deepEqual([root.children[0].name, root.children[0].text], ['Finding', '<b>none</b>']);
  assert.deepEqual(root.children[1].measured, { value: '12.5', unit: 'mm' });
  const coded = [
    ['millimeter squared', 'mm2'],
    ['no units', '1'],
    ['events', '{events}'],
  ];
  const units = coded.map(([meaning, value]) => code(meaning, value, 'UCUM'));
  const measured = (unit) => dataset({ '0040A040': 'NUM', '0040A300': dataset({ '0040A30A': 3, '004008EA': unit }) });
  assert.deepEqual(
    units.map((unit) => contentTree(measured(unit)).root.measured.unit),
    ['mm²', '', 'events'],
  );
  assert.equal(cut, false);
});

test('a report that never ends is cut, in breadth and in depth', () => {
  const leaf = dataset({ '0040A040': 'TEXT' });
  assert.equal(contentTree(dataset({ '0040A730': Array(6000).fill(leaf) })).cut, true);
  let nested = leaf;
  for (let depth = 0; depth < 200; depth += 1) nested = dataset({ '0040A040': 'CONTAINER', '0040A730': nested });
  let [deepest, at] = [0, contentTree(nested).root];
  for (; at; at = at.children[0]) deepest += 1;
  assert.ok(deepest < 40);
});

test('evidence says in which series an object lies', () => {
  const series = dataset({ '0020000E': '1.2.3', '00081199': dataset({ '00081155': '1.2.3.4' }) });
  const document = dataset({ '0040A375': dataset({ '0020000D': '1.2', '00081115': series }) });
  assert.deepEqual(evidenceOf(document).get('1.2.3.4'), { study: '1.2', series: '1.2.3' });
});

test('waveforms are in millivolts, channel by channel', () => {
  const channel = (name) =>
    dataset({ '003A0208': code(name), '003A0210': 2.5, '003A0211': code('microvolt', 'uV'), '003A0212': 1 });
  const group = dataset({
    '003A001A': 500,
    '003A0010': 2,
    '003A0200': [channel('Lead I (Einthoven)'), channel('Lead aVR')],
    54001006: 'SS',
  });
  group['54001010'] = { BulkDataURI: 'http://elsewhere.example/x' };
  const [found] = multiplexGroups(dataset({ 54000100: group }));
  assert.equal(found.path, '54000100/0/54001010');
  const { frequency, channels } = found.read(new Uint8Array(Int16Array.from([400, -400, 0, 4]).buffer));
  assert.equal(frequency, 500);
  assert.deepEqual(channels.map(({ lead, unit }) => [lead, unit]), [['I', 'mV'], ['aVR', 'mV']]);
  assert.deepEqual([...channels[0].values], [1, 0]);
  assert.ok(Math.abs(channels[1].values[0] + 1) < 1e-6);
  assert.deepEqual(['Lead V3', 'LEAD AVF', 'Pulse'].map(shortLead), ['V3', 'aVF', 'Pulse']);
});

test('a recording cut short ends with its last whole sample', () => {
  const group = dataset({ '003A0010': 1000, '003A0200': [dataset({}), dataset({})], 54001006: 'SS' });
  const [found] = multiplexGroups(dataset({ 54000100: group }));
  assert.equal(found.read(new Uint8Array(7)).channels[0].values.length, 1);
});

test('what was written to a recording is read as words', () => {
  const item = dataset({ '0040A30A': 162, '004008EA': code('milliseconds', 'ms', 'UCUM'), '0040A043': code('PR') });
  const plain = dataset({ '00700006': 'Sinus rhythm' });
  assert.deepEqual(annotationsOf(dataset({ '0040B020': [plain, item] })), [
    { name: '', value: 'Sinus rhythm' },
    { name: 'PR', value: '162 ms' },
  ]);
});

test('a second is 25 mm across and a millivolt 10 mm up; a spike survives thinning', () => {
  const how = { speed: 25, gain: 10, x: 5, y: 50 };
  assert.equal(pointsOf(Float32Array.from([0, 1]), { ...how, frequency: 1 }), '5.00,50.00 30.00,40.00');
  const spike = new Float32Array(10000);
  spike[5001] = 1.5;
  const points = pointsOf(spike, { ...how, frequency: 10000 });
  assert.ok(points.includes(',35.00'));
  assert.ok(points.split(' ').length < 1000);
});

function binaryStl(triangles) {
  const bytes = new Uint8Array(84 + triangles.length * 50);
  bytes.set(Buffer.from('solid, says the head of a binary file'));
  const view = new DataView(bytes.buffer);
  view.setUint32(80, triangles.length, true);
  triangles.forEach((corners, at) =>
    corners.flat().forEach((value, place) => view.setFloat32(84 + at * 50 + 12 + place * 4, value, true)),
  );
  return bytes;
}

const TRIANGLE = [
  [0, 0, 0],
  [2, 0, 0],
  [0, 4, 0],
];

test('STL is read in both its forms, with normals of its own', () => {
  const text = 'solid x\nfacet normal 0 0 0\nouter loop\nvertex 0 0 0\nvertex 2 0 0\nvertex 0 4 0\nendloop\nendfacet';
  for (const mesh of [readStl(binaryStl([TRIANGLE])), readStl(Buffer.from(text))]) {
    assert.deepEqual([...mesh.positions], TRIANGLE.flat());
    assert.deepEqual([...mesh.normals.subarray(0, 3)], [0, 0, 1]);
    assert.deepEqual(mesh.box, { low: [0, 0, 0], high: [2, 4, 0] });
  }
});

test('a file that lies about its triangles, or holds none, is no mesh', () => {
  const lying = binaryStl([TRIANGLE]);
  new DataView(lying.buffer).setUint32(80, 4000000000, true);
  const nowhere = binaryStl([[[NaN, 0, 0], ...TRIANGLE.slice(1)]]);
  for (const bytes of [lying, new Uint8Array(0), Buffer.from('solid'), nowhere]) {
    assert.throws(() => readStl(bytes), NoMesh);
  }
});

test('OBJ faces of more corners become fans, and corners that are not there are refused', () => {
  const square = 'v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1/1/1 2 3 -1\n';
  assert.equal(readObj(Buffer.from(square)).positions.length, 18);
  assert.throws(() => readObj(Buffer.from('v 0 0 0\nf 1 2 9')), NoMesh);
});

test('a camera keeps the whole model in the picture, whatever its shape', () => {
  const camera = new MeshCamera({ low: [-10, 0, 5], high: [30, 4, 9] });
  for (const aspect of [0.5, 1, 3]) {
    const m = camera.matrix(aspect);
    for (const x of [-10, 30]) {
      for (const y of [0, 4]) {
        for (const z of [5, 9]) {
          for (let axis = 0; axis < 3; axis += 1) {
            assert.ok(Math.abs(m[axis] * x + m[4 + axis] * y + m[8 + axis] * z + m[12 + axis]) <= 1);
          }
        }
      }
    }
  }
});

function level(width, height, more = {}) {
  return dataset({
    '00080008': ['ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'],
    '00280010': 256,
    '00280011': 256,
    '00480006': width,
    '00480007': height,
    '00209311': 'TILED_FULL',
    '00280008': Math.ceil(width / 256) * Math.ceil(height / 256),
    ...more,
  });
}

test('levels are in order of size, and tiles of a full one by columns, then rows', () => {
  const label = level(200, 200, { '00080008': ['ORIGINAL', 'PRIMARY', 'LABEL', 'NONE'] });
  const metadata = [level(1000, 600), label, level(250, 150)];
  const [small, large] = levelsOf(metadata);
  assert.deepEqual([small.width, large.width, large.across, large.down], [250, 1000, 4, 3]);
  assert.deepEqual(large.tileAt(1, 2), { instance: metadata[0], frame: 10 });
  assert.equal(large.tileAt(3, 3), null);
  assert.deepEqual(labelsOf(metadata), [label]);
});

test('parts of one level are found by their frame offsets', () => {
  const [first, second] = [level(1024, 256, { '00280008': 3 }), level(1024, 256, { '00280008': 1, '00209228': 3 })];
  const [only] = levelsOf([second, first]);
  assert.deepEqual(only.tileAt(0, 0), { instance: first, frame: 1 });
  assert.deepEqual(only.tileAt(3, 0), { instance: second, frame: 1 });
});

test('tiles of a sparse level lie where their frames say; what was not scanned is missing', () => {
  const place = (left, top, path = '1') =>
    dataset({
      '0048021A': dataset({ '0048021E': left, '0048021F': top }),
      '00480207': dataset({ '00480106': path }),
    });
  const sparse = level(768, 256, {
    '00209311': 'TILED_SPARSE',
    52009230: [place(513, 1), place(1, 1), place(1, 1, '2')],
  });
  const [only] = levelsOf([sparse]);
  assert.equal(only.tileAt(2, 0).frame, 1);
  assert.equal(only.tileAt(0, 0).frame, 2);
  assert.equal(only.tileAt(1, 0), null);
});

test('a scale bar is a round length, in micrometres below a millimetre', () => {
  const measures = dataset({ '00289110': dataset({ '00280030': [0.0005, 0.0005] }) });
  assert.equal(spacingOf([level(1000, 600, { 52009229: measures })]), 0.0005);
  assert.deepEqual(scaleBar(0.0005, 150), { pixels: 100, words: '50 µm' });
  assert.equal(scaleBar(0.02, 150).words, '2 mm');
});

test('a video is known by its container; what browsers do not play is said', () => {
  const bytes = (...values) => Uint8Array.from([...values, ...Array(200).fill(0)]);
  assert.equal(containerOf(bytes(0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70)), 'video/mp4');
  assert.equal(containerOf(bytes(0, 0, 1, 0xba)), 'video/mpeg');
  assert.equal(containerOf(bytes(0, 0, 0, 1, 0x67)), 'video/h264');
  assert.equal(mayPlay('video/mp4'), '');
  assert.match(mayPlay('video/mpeg'), /MPEG-2/);
});
