import { element } from './dom.js';
import { icon } from './icons.js';
import { SHORTCUTS } from './keyboard.js';

const HANDS = [
  ['One finger, left button', 'The tool chosen in the bar'],
  ['Two fingers', 'Pinch to zoom, move to pan'],
  ['Wheel', 'Scroll; with Ctrl, zoom'],
  ['Right button, middle button', 'Zoom, pan'],
  ['Bar at the right edge', 'Drag to any image'],
];

const rows = (lines) =>
  lines.flatMap(([left, right]) => [element('dt', {}, left), element('dd', {}, right)]);

/** @returns {HTMLDialogElement} what fingers, mouse and keys do; open it with showModal() */
export function helpDialog() {
  const close = element('button', { class: 'tool', type: 'button', 'aria-label': 'Close' }, icon('close'));
  const dialog = element(
    'dialog',
    { class: 'help', 'aria-label': 'Help' },
    element('header', {}, element('h2', {}, 'How to read here'), close),
    element('h3', {}, 'Hands'),
    element('dl', {}, rows(HANDS)),
    element('h3', {}, 'Keys'),
    element('dl', {}, rows(SHORTCUTS)),
    element('p', { class: 'help-note' }, 'Measurements stay in this page and are not stored.'),
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return dialog;
}
