import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTables } from '../tables.js';

const FRAME = '/t/x/dicomweb/studies/1.2/series/1.3/instances/1.4/frames/7';
const PATHS = [['00281201'], ['00283000', '00283006']];

function answering(t, answer) {
  const asked = [];
  t.mock.method(globalThis, 'fetch', async (url) => {
    asked.push(url);
    return answer();
  });
  return asked;
}

test('tables given by address are fetched once, and never from where a file says', async (t) => {
  const asked = answering(t, () => new Response(Uint8Array.from([1, 2])));
  const distant = { BulkDataURI: 'https://evil.example/table' };
  const instance = { '00281201': distant, '00283000': { Value: [{ '00283006': distant }] } };

  const [first, second] = await Promise.all([withTables(instance, FRAME, PATHS), withTables(instance, FRAME, PATHS)]);

  const root = '/t/x/dicomweb/studies/1.2/series/1.3/instances/1.4/bulkdata';
  assert.deepEqual(asked, [`${root}/00281201`, `${root}/00283000/0/00283006`]);
  assert.equal(first, second);
  assert.deepEqual([...first['00281201'].bytes], [1, 2]);
  assert.deepEqual([...first['00283000'].Value[0]['00283006'].bytes], [1, 2]);
  assert.equal(instance['00281201'].bytes, undefined);
});

test('a dataset that has its tables is used as it is', async (t) => {
  const asked = answering(t, () => assert.fail('nothing is to be fetched'));
  const instance = { '00281201': { InlineBinary: 'AAA=' } };
  assert.equal(await withTables(instance, FRAME, PATHS), instance);
  assert.equal(asked.length, 0);
});

test('a table that could not be fetched is asked for again', async (t) => {
  const answers = [new Response(null, { status: 404 }), new Response(Uint8Array.from([9]))];
  answering(t, () => answers.shift());
  const instance = { '00281201': { BulkDataURI: 'x' } };
  await assert.rejects(withTables(instance, FRAME, PATHS), { status: 404 });
  assert.deepEqual([...(await withTables(instance, FRAME, PATHS))['00281201'].bytes], [9]);
});
