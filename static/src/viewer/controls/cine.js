import { t } from '../../i18n.js';

const RATES = [1, 2, 5, 10, 15, 24, 30, 60];

const MODES = () => [
  ['loop', t('Again from the start')],
  ['swing', t('Back and forth')],
  ['once', t('Once')],
];

/** Playing the active pane: how fast, and what comes after the last image. */
export function plug({ toolbar, keyboard, panes }) {
  toolbar.add({
    group: 'cine',
    name: 'play',
    label: t('Play'),
    key: ' ',
    run: () => panes.active.cine?.toggle(),
    state: () => playState(panes.active),
  });
  toolbar.add({
    group: 'cine',
    name: 'speed',
    label: t('Speed'),
    menu: () => items(panes.active.cine),
    state: () => ({ disabled: !isSeveral(panes.active), label: speedOf(panes.active) }),
  });
  keyboard.add({ keys: ['<', ','], shown: '<', label: t('Play slower'), run: () => change(panes.active, -1) });
  keyboard.add({ keys: ['>', '.'], shown: '>', label: t('Play faster'), run: () => change(panes.active, 1) });
}

const isSeveral = ({ hasImages, stack }) => hasImages && stack.images.length > 1;

const perSecond = (rate) => t('{rate}/s', { rate: Math.round(rate * 10) / 10 });

function speedOf(pane) {
  return isSeveral(pane) ? perSecond(pane.cine.rate) : t('Speed');
}

function playState(pane) {
  const playing = Boolean(pane.cine?.isPlaying);
  return {
    disabled: !isSeveral(pane),
    pressed: playing,
    icon: playing ? 'pause' : 'play',
    label: playing ? t('Pause') : t('Play'),
  };
}

function items(cine) {
  const stated = { label: t('As recorded'), value: perSecond(cine.statedRate), rate: null };
  const rates = [stated, ...RATES.map((rate) => ({ label: perSecond(rate), rate }))];
  return [
    ...rates.map(({ rate, ...words }) => ({
      ...words,
      checked: (cine.chosenRate ?? null) === rate,
      run: () => cine.setRate(rate),
    })),
    ...MODES().map(([mode, label]) => ({
      label,
      icon: 'loop',
      checked: cine.mode === mode,
      run: () => cine.setMode(mode),
    })),
  ];
}

function change(pane, step) {
  if (!isSeveral(pane)) return;
  const nearest = RATES.findIndex((rate) => rate >= pane.cine.rate);
  const at = nearest < 0 ? RATES.length - 1 : nearest;
  pane.cine.setRate(RATES[Math.min(RATES.length - 1, Math.max(0, at + step))]);
}
