import { t } from '../../i18n.js';

/** How the image lies on the screen. */
export function plug({ toolbar, panes }) {
  const entries = [
    ['rotate', t('Rotate'), 'o', (stack) => stack.rotate(90)],
    ['flip', t('Flip'), 'h', (stack) => stack.flip('flipHorizontal')],
    ['flip-vertical', t('Flip up–down'), 'v', (stack) => stack.flip('flipVertical')],
    ['fit', t('Fit'), 'f', (stack) => stack.fit()],
    ['actual-size', t('1 : 1'), '0', (stack) => stack.actualSize()],
    ['reset', t('Reset'), 'r', (stack) => stack.reset()],
  ];
  for (const [name, label, key, act] of entries) {
    const run = () => panes.active.stack && act(panes.active.stack);
    toolbar.add({ group: 'view', name, label, key, run, state: () => ({ disabled: !panes.active.hasImages }) });
  }
}
