import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measured, noteOf, valueLines } from '../marks/measure.js';
import { CannotBeShown, decodable } from '../decodability.js';
import { withColourModel } from '../jpeg_colour.js';
import { MalformedMultipart, frameOf } from '../multipart.js';
import { prepared } from '../prepared.js';
import { frameRate, imagesOf } from '../series_images.js';

const EXPLICIT = '1.2.840.10008.1.2.1';
const JPEG = '1.2.840.10008.1.2.4.50';

/** A DICOM JSON dataset from `{ tag: value or values }`. */
function dataset(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { Value: [value].flat() }]),
  );
}

function grey(more = {}) {
  return dataset({
    '00280010': 2,
    '00280011': 3,
    '00280100': 8,
    '00280002': 1,
    '00280004': 'MONOCHROME2',
    ...more,
  });
}

function multipart(payload, type = `application/octet-stream; transfer-syntax=${JPEG}`) {
  const head = `--b1\r\nContent-Type: ${type}\r\nContent-Location: x\r\n\r\n`;
  return new Uint8Array(
    Buffer.concat([Buffer.from(head), Buffer.from(payload), Buffer.from('\r\n--b1--\r\n')]),
  );
}

test('a frame is taken out of its part with its transfer syntax', () => {
  const frame = frameOf('multipart/related; boundary=b1', multipart([1, 2, 3]));
  assert.deepEqual([...frame.bytes], [1, 2, 3]);
  assert.equal(frame.transferSyntaxUid, JPEG);
});

test('pixels that spell the boundary are kept', () => {
  const payload = Buffer.from('a\r\n--b1\r\nz');
  const frame = frameOf('multipart/related; boundary="b1"', multipart(payload));
  assert.equal(Buffer.from(frame.bytes).toString(), payload.toString());
});

test('an image part without a transfer syntax is named by its media type', () => {
  assert.equal(
    frameOf('multipart/related; boundary=b1', multipart([1], 'image/jls')).transferSyntaxUid,
    '1.2.840.10008.1.2.4.80',
  );
});

test('a body that was cut short is refused', () => {
  const whole = multipart([1, 2, 3]);
  assert.throws(
    () => frameOf('multipart/related; boundary=b1', whole.subarray(0, whole.length - 9)),
    MalformedMultipart,
  );
  assert.throws(() => frameOf('multipart/related', whole), MalformedMultipart);
});

test('the byte that pads an odd native frame is taken off', () => {
  const odd = grey({ '00280010': 3 });
  assert.equal(decodable(odd, { bytes: new Uint8Array(10), transferSyntaxUid: EXPLICIT }).bytes.length, 9);
});

for (const [name, instance, uid] of [
  ['a short frame', grey(), EXPLICIT],
  ['video', grey(), '1.2.840.10008.1.2.4.102'],
  ['a compressed 16-bit palette', grey({ '00280004': 'PALETTE COLOR', '00280100': 16 }), JPEG],
  ['a palette without colours', grey({ '00280004': 'PALETTE COLOR' }), JPEG],
  ['compressed 16-bit colour', grey({ '00280002': 3, '00280100': 16, '00280004': 'RGB' }), JPEG],
  ['a compressed one-bit image', grey({ '00280100': 1 }), JPEG],
]) {
  test(`${name} is left to the portal, and the refusal names its transfer syntax`, () => {
    const attempt = () => decodable(instance, { bytes: new Uint8Array(4), transferSyntaxUid: uid });
    assert.throws(attempt, (error) => error instanceof CannotBeShown && error.transferSyntaxUid === uid);
  });
}

test('a JPEG in RGB that does not say so is marked, any other is left alone', () => {
  const bare = Uint8Array.from([0xff, 0xd8, 0xff, 0xdb, 0, 4, 1, 1, 0xff, 0xda, 0, 2]);
  const jfif = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xda, 0, 2]);
  assert.equal(withColourModel(bare, JPEG, 'RGB')[3], 0xee);
  assert.equal(withColourModel(bare, JPEG, 'YBR_FULL_422'), bare);
  assert.equal(withColourModel(jfif, JPEG, 'RGB'), jfif);
});

/** A length as it stands on the screen. */
function lengthText(image, points) {
  const mark = measured({ kind: 'length', points, values: [] }, image, null);
  return [...valueLines(mark), noteOf(mark, image)].filter(Boolean);
}

const ACROSS = [
  [0, 0],
  [30, 40],
];

test('a length is in millimetres by pixel spacing, rows and columns apart', () => {
  assert.deepEqual(lengthText({ instance: dataset({ '00280030': [0.5, 1] }), frame: 1 }, ACROSS), [
    '36.1 mm',
  ]);
});

test('a length by imager spacing says that it holds at the detector', () => {
  assert.deepEqual(lengthText({ instance: dataset({ '00181164': [0.1, 0.1] }), frame: 1 }, ACROSS), [
    '5.0 mm',
    'at detector',
  ]);
});

test('a length in an image without spacing, or with zeros for it, is in pixels', () => {
  assert.deepEqual(lengthText({ instance: {}, frame: 1 }, ACROSS), ['50 px', 'not calibrated']);
  assert.deepEqual(lengthText({ instance: dataset({ '00280030': [0, 0] }), frame: 1 }, ACROSS), [
    '50 px',
    'not calibrated',
  ]);
});

test('spacing of an enhanced multi-frame image is found in its functional groups', () => {
  const shared = dataset({ '00289110': dataset({ '00280030': [2, 2] }) });
  assert.deepEqual(lengthText({ instance: dataset({ 52009229: shared }), frame: 3 }, ACROSS), ['100.0 mm']);
});

test('an ultrasound length needs both ends in one region calibrated in centimetres', () => {
  const region = dataset({
    '00186018': 0,
    '0018601A': 0,
    '0018601C': 99,
    '0018601E': 99,
    '00186024': 3,
    '00186026': 3,
    '0018602C': 0.1,
    '0018602E': 0.1,
  });
  const image = { instance: dataset({ '00186011': region }), frame: 1 };
  assert.deepEqual(lengthText(image, ACROSS), ['50.0 mm']);
  assert.deepEqual(
    lengthText(image, [
      [0, 0],
      [300, 400],
    ]),
    ['500 px', 'not calibrated'],
  );
});

test('a stack is in order of instance number, frame by frame, without what is no image', () => {
  const instance = (uid, number, more) => grey({ '00080018': uid, '00200013': number, ...more });
  const report = dataset({ '00080018': 'sr' });
  const { images, others } = imagesOf(
    [instance('b', 2, { '00280008': 2 }), report, instance('a', 1)],
    (sop, frame) => `${sop}/${frame}`,
  );
  assert.deepEqual(
    images.map((image) => image.url),
    ['a/1', 'b/1', 'b/2'],
  );
  assert.deepEqual(others, [report]);
});

test('slices with one instance number are in order of position', () => {
  const slice = (uid, z) =>
    grey({ '00080018': uid, '00200032': [0, 0, z], '00200037': [1, 0, 0, 0, 1, 0] });
  const { images } = imagesOf([slice('high', 9), slice('low', -9)], (sop) => sop);
  assert.deepEqual(
    images.map((image) => image.sopInstanceUid),
    ['low', 'high'],
  );
});

test('the frame rate is what the images state, within reason', () => {
  assert.equal(frameRate(dataset({ '00082144': 24 })), 24);
  assert.equal(frameRate(dataset({ '00181063': 40 })), 25);
  assert.equal(frameRate(dataset({ '00181063': 1 })), 60);
  assert.equal(frameRate({}), 15);
});

test('palettes become numbers, a byte or a word each, and the original stays as it was', () => {
  const words = {
    '00281101': { Value: [2, 0, 16] },
    '00281201': { InlineBinary: Buffer.from([1, 0, 0, 1]).toString('base64') },
  };
  const octets = {
    '00281101': { Value: [4, 0, 8] },
    '00281201': { InlineBinary: Buffer.from([1, 2, 3, 4]).toString('base64') },
  };
  assert.deepEqual(prepared(words)['00281201'].Value, [1, 256]);
  assert.deepEqual(prepared(octets)['00281201'].Value, [1, 2, 3, 4]);
  assert.equal(words['00281201'].Value, undefined);
});

test('an image has another id each time its series is opened', () => {
  const ids = [1, 2].map(() => imagesOf([grey({ '00080018': 'a' })], (sop) => sop).images[0].imageId);
  assert.notEqual(ids[0], ids[1]);
});
