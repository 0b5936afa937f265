import { t } from '../../i18n.js';
import { levelsOf } from '../levels.js';
import { presetsFor } from '../presets.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** Windows for what is open: by modality and body part, from the file, and from the pixels themselves. */
export function plug({ toolbar, keyboard, panes }) {
  const grey = () => panes.active.hasImages && panes.active.stack.isShown && !panes.active.stack.pixels.color;
  const presets = () =>
    grey() ? presetsFor(panes.active.stack.image, levelsOf(panes.active.stack.pixels)) : [];
  const choose = (at) => {
    const preset = presets()[at];
    if (preset) panes.active.stack.setWindow(preset);
  };
  toolbar.add({
    group: 'window',
    name: 'presets',
    label: t('Presets'),
    menu: () => presets().map((preset, at) => item(preset, at, panes.active.stack.window, () => choose(at))),
    state: () => ({ disabled: !panes.active.hasImages || Boolean(panes.active.stack.pixels?.color) }),
  });
  toolbar.add({
    group: 'window',
    name: 'invert',
    label: t('Invert'),
    key: 'i',
    run: () => panes.active.stack?.invert(),
    state: () => ({ disabled: !panes.active.hasImages, pressed: Boolean(panes.active.stack?.inverted) }),
  });
  keyboard.add({ keys: KEYS, shown: '1 – 9', label: t('Window presets'), run: (key) => choose(key - 1) });
}

function item({ name, width, center }, at, now, run) {
  const same = (a, b) => Math.abs(a - b) < 0.5;
  return {
    label: name,
    value: `W ${Math.round(width)}  L ${Math.round(center)}`,
    key: KEYS[at] ?? '',
    checked: Boolean(now) && same(now.width, width) && same(now.center, center),
    run,
  };
}
