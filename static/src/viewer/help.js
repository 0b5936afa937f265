import { t } from '../i18n.js';
import { element } from './dom.js';
import { icon } from './icons.js';

const HANDS = () => [
  [t('One finger, left button'), t('The tool chosen in the bar')],
  [t('Two fingers'), t('Pinch to zoom, move to pan')],
  [t('Wheel'), t('Scroll; with Ctrl, zoom')],
  [t('Right button, middle button'), t('Zoom, pan')],
  [t('Bar at the right edge'), t('Drag to any image')],
];

const list = (lines) =>
  element(
    'dl',
    {},
    lines.flatMap(([left, right]) => [element('dt', {}, left), element('dd', {}, right)]),
  );

/** What fingers, mouse and keys do. */
export class Help {
  /** @param {import('./keyboard.js').Keyboard} keyboard */
  constructor(keyboard) {
    this.keyboard = keyboard;
    this.node = element('dialog', { class: 'help', 'aria-label': t('Help') });
    this.node.addEventListener('click', (event) => event.target === this.node && this.node.close());
  }

  /** Written when it is opened: whatever has a key by then is in it. */
  show() {
    const onclick = () => this.node.close();
    const close = element('button', { class: 'tool', type: 'button', 'aria-label': t('Close'), onclick }, icon('close'));
    const sections = [...this.keyboard.sections].flatMap(([name, shortcuts]) => [
      element('h3', {}, name),
      list(shortcuts.map(({ shown, label }) => [shown, label])),
    ]);
    this.node.replaceChildren(
      element('header', {}, element('h2', {}, t('How to read here')), close),
      element('h3', {}, t('Hands')),
      list(HANDS()),
      ...sections,
    );
    this.node.showModal();
  }
}
