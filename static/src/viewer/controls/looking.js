import { t } from '../../i18n.js';

const TOOLS = () => [
  ['tools', 'scroll', t('Scroll'), 's'],
  ['tools', 'window', t('Window'), 'w'],
  ['tools', 'zoom', t('Zoom'), 'z'],
  ['tools', 'pan', t('Pan'), 'p'],
  ['tools', 'magnify', t('Magnify'), 'g'],
];

const STEPS = () => [
  [['ArrowUp', 'ArrowLeft'], '↑ ←', t('Previous image'), -1],
  [['ArrowDown', 'ArrowRight'], '↓ →', t('Next image'), 1],
  [['PageUp'], 'Page Up', t('Ten images back'), -10],
  [['PageDown'], 'Page Down', t('Ten images on'), 10],
  [['Home'], 'Home', t('First image'), -Infinity],
  [['End'], 'End', t('Last image'), Infinity],
];

/** Tools for one finger or the left button, and walking through the images by keys. */
export function plug(viewer) {
  const { toolbar, keyboard, panes } = viewer;
  const state = (name) => () => ({ disabled: !panes.active.hasImages, pressed: viewer.tools?.chosen === name });
  for (const [group, name, label, key] of TOOLS()) {
    toolbar.add({ group, name, label, key, run: () => viewer.choose(name), state: state(name) });
  }
  for (const [keys, shown, label, delta] of STEPS()) {
    keyboard.add({ keys, shown, label, run: () => panes.active.step(delta) });
  }
  keyboard.add({ keys: ['+', '='], shown: '+', label: t('Closer'), run: () => panes.active.stack?.zoom(1.25) });
  keyboard.add({ keys: ['-'], shown: '−', label: t('Farther'), run: () => panes.active.stack?.zoom(0.8) });
}
