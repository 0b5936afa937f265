import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannotBeShown } from '../decodability.js';
import { DicomwebStudy } from '../dicomweb.js';
import { begin, drawnInSomeWay } from '../frame_sources.js';

const JPEG = '1.2.840.10008.1.2.4.50';
const EXPLICIT = '1.2.840.10008.1.2.1';
const URL_OF_FRAME = '/t/x/dicomweb/studies/1.2/series/1.3/instances/1.4/frames/1';

function image(transferSyntaxUid, more = {}) {
  const tags = {
    '00083002': transferSyntaxUid,
    '00280010': 1,
    '00280011': 2,
    '00280100': 8,
    '00280101': 8,
    '00280002': 1,
    '00280004': 'MONOCHROME2',
    ...more,
  };
  const instance = Object.fromEntries(Object.entries(tags).map(([tag, each]) => [tag, { Value: [each] }]));
  return { url: URL_OF_FRAME, instance, frame: 1, sopInstanceUid: '1.4' };
}

/** A portal that answers by what is accepted: a function of the Accept header. */
function portal(t, answer) {
  const asked = [];
  t.mock.method(globalThis, 'fetch', async (url, { headers }) => {
    asked.push(headers.Accept.includes(EXPLICIT) ? 'decoded' : url.endsWith('/rendered') ? 'picture' : 'stored');
    return answer(asked.at(-1));
  });
  return asked;
}

const octets = (bytes, transferSyntaxUid) =>
  new Response(Uint8Array.from(bytes), {
    headers: { 'Content-Type': `application/octet-stream; transfer-syntax=${transferSyntaxUid}` },
  });

const refusing = () => {
  throw new CannotBeShown('The pixel data could not be decoded.', JPEG);
};

test('what the browser decodes is asked for once, as it is stored', async (t) => {
  const asked = portal(t, () => octets([1, 2], EXPLICIT));
  const drawn = await drawnInSomeWay(image(EXPLICIT), async (frame) => [...frame.bytes]);
  assert.deepEqual([drawn, asked], [[1, 2], ['stored']]);
});

test('bytes that were begun before anything could decode them are not fetched again, and kept once only', async (t) => {
  const asked = portal(t, () => octets([1, 2], EXPLICIT));
  const first = image(EXPLICIT);
  begin(first);
  assert.deepEqual(asked, ['stored']);
  await drawnInSomeWay(first, async (frame) => frame);
  assert.deepEqual(asked, ['stored']);
  await drawnInSomeWay(first, async (frame) => frame);
  assert.deepEqual(asked, ['stored', 'stored']);
});

test('what no browser decodes is not begun', (t) => {
  const asked = portal(t, () => octets([1, 2], EXPLICIT));
  begin(image('1.2.840.10008.1.2.4.92'));
  assert.deepEqual(asked, []);
});

test('what a study is expected to be asked for is fetched once, and anew after that', async (t) => {
  const asked = [];
  t.mock.method(globalThis, 'fetch', async (url) => {
    asked.push(url.split('/studies/1.2')[1]);
    return Response.json([]);
  });
  const study = new DicomwebStudy('/t/x/dicomweb', '1.2');
  study.expect('1.3');
  assert.deepEqual([await study.searchForSeries(), await study.retrieveSeriesMetadata('1.3')], [[], []]);
  assert.deepEqual(asked, ['/series', '/series/1.3/metadata']);
  await study.searchForSeries();
  await study.retrieveSeriesMetadata('1.3');
  assert.equal(asked.length, 4);
});

test('when decoding fails here the portal decodes, and YCbCr has become RGB by pixel', async (t) => {
  const colour = { '00280002': 3, '00280004': 'YBR_FULL_422', '00280006': 1 };
  const asked = portal(t, (what) =>
    what === 'decoded' ? octets([1, 2, 3, 4, 5, 6], EXPLICIT) : octets([0xff, 0xd8], JPEG),
  );
  const draw = async (frame) => (frame.transferSyntaxUid === EXPLICIT ? frame : refusing());
  const { instance, bytes } = await drawnInSomeWay(image(JPEG, colour), draw);
  assert.deepEqual(asked, ['stored', 'decoded']);
  assert.deepEqual([...bytes], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([instance['00280004'].Value, instance['00280006'].Value], [['RGB'], [0]]);
});

test('what no browser decodes is not fetched in vain', async (t) => {
  const asked = portal(t, () => octets([1, 2], EXPLICIT));
  await drawnInSomeWay(image('1.2.840.10008.1.2.4.92'), async (frame) => frame);
  assert.deepEqual(asked, ['decoded']);
});

test('when nobody draws it the first reason is told', async (t) => {
  const asked = portal(t, (what) => (what === 'stored' ? octets([0], JPEG) : new Response(null, { status: 406 })));
  await assert.rejects(drawnInSomeWay(image(JPEG), refusing), (error) => error instanceof CannotBeShown);
  assert.deepEqual(asked, ['stored', 'decoded', 'picture']);
});

test('a portal that refuses the frame is not asked for it in other ways', async (t) => {
  const asked = portal(t, () => new Response(null, { status: 404 }));
  await assert.rejects(drawnInSomeWay(image(JPEG), refusing), { status: 404 });
  assert.deepEqual(asked, ['stored']);
});

test('a link that is revoked in between ends it', async (t) => {
  portal(t, (what) => (what === 'stored' ? octets([0], JPEG) : new Response(null, { status: 404 })));
  await assert.rejects(drawnInSomeWay(image(JPEG), refusing), { status: 404 });
});

test('a reader who scrolls on is not kept', async (t) => {
  portal(t, () => octets([1, 2], EXPLICIT));
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(
    drawnInSomeWay(image(EXPLICIT), () => assert.fail('too late'), abort.signal),
    { name: 'AbortError' },
  );
});

test('words of a big-endian file are turned by the portal, single bits have none', async (t) => {
  const asked = portal(t, () => octets([1, 2], EXPLICIT));
  await drawnInSomeWay(image('1.2.840.10008.1.2.2'), async (frame) => frame);
  await drawnInSomeWay(image('1.2.840.10008.1.2.2', { '00280100': 1 }), async (frame) => frame);
  assert.deepEqual(asked, ['decoded', 'stored']);
});

test('a codestream that is signed in another way than its file says is left to the portal', async (t) => {
  const jpeg2000 = '1.2.840.10008.1.2.4.90';
  const codestream = [0xff, 0x4f, 0xff, 0x51, ...Array(38).fill(0), 12, 1, 1];
  const asked = portal(t, (what) =>
    what === 'stored' ? octets(codestream, jpeg2000) : octets([1, 2, 3, 4], EXPLICIT),
  );
  const sixteen = { '00280100': 16, '00280101': 13, '00280103': 1 };
  await drawnInSomeWay(image(jpeg2000, sixteen), async (frame) => frame);
  await drawnInSomeWay(image(jpeg2000, { ...sixteen, '00280103': 0 }), async (frame) => frame);
  assert.deepEqual(asked, ['stored', 'decoded', 'stored']);
});
