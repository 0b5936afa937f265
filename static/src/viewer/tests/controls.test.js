import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hang } from '../hanging/index.js';
import { Keyboard, keyName, keyOf } from '../keyboard.js';

const key = (name, more = {}) => ({ key: name, shiftKey: false, ...more });

test('a shortcut runs what claimed its key, and nothing else does', () => {
  const keyboard = new Keyboard();
  const pressed = [];
  keyboard.add({ keys: ['i', 'Home'], label: 'Invert', run: (name) => pressed.push(name) });
  assert.equal(keyboard.press('i'), true);
  assert.equal(keyboard.press('x'), false);
  assert.deepEqual(pressed, ['i']);
});

test('a key keeps its first meaning, and whoever asks for it again goes without', (context) => {
  const complained = context.mock.method(console, 'error', () => {});
  const keyboard = new Keyboard();
  const pressed = [];
  keyboard.add({ keys: ['i'], label: 'Invert', run: () => pressed.push('invert') });
  keyboard.add({ keys: ['i', 'j'], label: 'Other', run: () => pressed.push('other') });
  keyboard.add({ keys: ['i'], label: 'Third', run: () => pressed.push('third') });
  keyboard.press('i');
  keyboard.press('j');
  assert.deepEqual(pressed, ['invert', 'other']);
  assert.deepEqual([...keyboard.sections.values()].flat().map(({ shown }) => shown), ['I', 'J']);
  assert.equal(complained.mock.callCount(), 2);
});

test('the help lists every shortcut under its heading, as readers write keys', () => {
  const keyboard = new Keyboard();
  keyboard.add({ keys: [' '], label: 'Play', run: () => {} });
  keyboard.add({ keys: ['F1'], label: 'One image', section: 'Layout', run: () => {} });
  const listed = [...keyboard.sections].map(([name, lines]) => [name, lines.map((line) => [line.shown, line.label])]);
  assert.deepEqual(listed, [['Keys', [['Space', 'Play']]], ['Layout', [['F1', 'One image']]]]);
});

test('keys are told apart by Shift where it changes the letter', () => {
  assert.equal(keyOf(key('H', { shiftKey: true })), 'Shift+h');
  assert.equal(keyOf(key('H')), 'h');
  assert.equal(keyOf(key('?', { shiftKey: true })), '?');
  assert.equal(keyOf(key('ArrowUp')), 'ArrowUp');
  assert.equal(keyName('Shift+h'), 'Shift H');
});

const series = (modality, count) => ({
  '00080060': { vr: 'CS', Value: [modality] },
  '00201209': { vr: 'IS', Value: [count] },
});

test('two views of a radiograph hang side by side, where there is room', async () => {
  const study = [series('DX', 1), series('DX', 1)];
  const hanging = await hang(study, { width: 1200, height: 800 });
  assert.deepEqual([hanging.rows, hanging.columns], [1, 2]);
  assert.deepEqual(hanging.cells.map((cell) => cell.series), study);
  assert.equal(await hang(study, { width: 390, height: 700 }), null);
});

test('a study of slices opens in one pane', async () => {
  assert.equal(await hang([series('CT', 300), series('CT', 1)], { width: 1200, height: 800 }), null);
  assert.equal(await hang([series('DX', 1)], { width: 1200, height: 800 }), null);
});

test('a key pressed over an image counts, although Cornerstone has prevented its default', () => {
  const keyboard = new Keyboard();
  const target = new EventTarget();
  const pressed = [];
  keyboard.add({ keys: ['Home'], label: 'First image', run: (name) => pressed.push(name) });
  keyboard.listen(target);
  const event = Object.assign(new Event('keydown', { cancelable: true }), { key: 'Home', shiftKey: false });
  event.preventDefault();
  target.dispatchEvent(event);
  assert.deepEqual(pressed, ['Home']);
});
