import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undoable } from '../actions.js';
import { PACE, Portal, Refused, SETTLES_AFTER, Typing } from '../asking.js';
import { compare, groupUndo, placeOf } from '../changes.js';

/** A clock that stands still until it is moved on. */
class Clock {
  now = 1000;
  timers = new Map();
  performance = { now: () => this.now };

  setTimeout(run, wait) {
    const id = Symbol();
    this.timers.set(id, { run, at: this.now + wait });
    return id;
  }

  clearTimeout(id) {
    this.timers.delete(id);
  }

  moveOn(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = end;
  }
}

function typist() {
  const clock = new Clock();
  const asked = [];
  return { clock, asked, typing: new Typing((settled) => asked.push([clock.now - 1000, settled]), clock) };
}

test('the first key is answered at once, and fast ones together', () => {
  const { clock, asked, typing } = typist();
  typing.changed();
  assert.deepEqual(asked, [[0, false]]);
  for (const wait of [10, 10, 10]) {
    clock.moveOn(wait);
    typing.changed();
  }
  clock.moveOn(200);
  assert.deepEqual(asked, [[0, false], [PACE, false]]); // prettier-ignore
});

test('each key of a slow typist is answered at once', () => {
  const { clock, asked, typing } = typist();
  for (const wait of [0, 150, 150]) {
    clock.moveOn(wait);
    typing.changed();
  }
  assert.deepEqual(asked.map(([at]) => at), [0, 150, 300]); // prettier-ignore
});

test('a search that stands still is asked once more, as settled', () => {
  const { clock, asked, typing } = typist();
  typing.changed();
  clock.moveOn(500);
  typing.changed();
  clock.moveOn(SETTLES_AFTER - 1);
  assert.equal(asked.filter(([, settled]) => settled).length, 0);
  clock.moveOn(1);
  clock.moveOn(10_000);
  assert.deepEqual(asked.filter(([, settled]) => settled), [[500 + SETTLES_AFTER, true]]); // prettier-ignore
});

test('what was cancelled does not ask', () => {
  const { clock, asked, typing } = typist();
  typing.changed();
  typing.changed();
  typing.cancel();
  clock.moveOn(10_000);
  assert.deepEqual(asked, [[0, false]]);
});

test('of several askings the last wins, and the others are cancelled', async () => {
  const answers = [];
  const send = (path, { signal }) =>
    new Promise((resolve, reject) => {
      answers.push((text) => resolve({ ok: true, status: 200, text: async () => text }));
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const portal = new Portal('/t/x/', 'token', send);
  const first = portal.rows(new URLSearchParams());
  const second = portal.rows(new URLSearchParams());
  assert.equal(portal.busy, true);
  answers[1]('second');
  assert.equal(await first, undefined);
  assert.equal(await second, 'second');
  assert.equal(portal.busy, false);
});

test('nothing new is null, and a refusal is told with its reason', async () => {
  const headers = { get: () => 'application/json' };
  const portal = new Portal('/t/x/', 'token', async (path) =>
    path.endsWith('rows')
      ? { ok: true, status: 204 }
      : { ok: false, status: 400, headers, json: async () => ({ reason: 'No.' }) },
  );
  assert.equal(await portal.rows(new URLSearchParams()), null);
  await assert.rejects(
    portal.mark(new URLSearchParams()),
    (error) => error instanceof Refused && error.reason === 'No.' && error.status === 400,
  );
});

test('rows in their places are told from rows that came, went or moved', () => {
  const before = ['1', '2'];
  assert.deepEqual(compare(before, ['1', '2']), { sameOrder: true, fresh: [] });
  assert.deepEqual(compare(before, ['3', '1']), { sameOrder: false, fresh: ['3'] });
  assert.equal(compare(before, ['2', '1']).sameOrder, false);
  assert.equal(compare(before, ['1']).sameOrder, false);
});

test('undoing asks once per value, and not for what was so before', () => {
  assert.deepEqual([...groupUndo({ 1: 'stat', 2: 'routine', 3: 'stat' })], [['stat', ['1', '3']], ['routine', ['2']]]); // prettier-ignore
  assert.deepEqual(undoable('read', { 1: 'unread' }), [[['1'], 'unread', '']]);
  assert.deepEqual(undoable('assign', { 1: '', 2: '7' }), [[['1'], 'assign', ''], [['2'], 'assign', '7']]); // prettier-ignore
  assert.deepEqual(undoable('hold', { 1: 'held', 2: '' }), [[['2'], 'lift', '']]);
  assert.deepEqual(undoable('hold', { 1: 'held' }), []);
});

test('every place of a thumbnail has its picture', () => {
  assert.deepEqual([-1, 0, 0.49, 0.5, 1, 2].map((at) => placeOf(at, 2)), [0, 0, 0, 1, 1, 1]); // prettier-ignore
});
