import { t } from '../../i18n.js';
import { svg } from '../dom.js';
import { regionsOf } from '../ultrasound_regions.js';

/** Outlines of what an ultrasound picture calibrates, with the units that measurements have there. */

let shown = false;

const regionsIn = (pane) => (pane.hasImages && pane.stack.image ? regionsOf(pane.stack.image.instance) : []);

/** @returns {string} what is measured in a region, in words */
export function unitsOf({ name, x, y, isSpatial }) {
  const units = isSpatial ? 'mm' : [x.unit, y.unit].filter(Boolean).join(' × ');
  return [name, units || t('not calibrated')].filter(Boolean).join(' · ');
}

function outline(stack, region) {
  const { left, top, right, bottom } = region.box;
  const corners = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ].map((corner) => stack.canvasAt(corner));
  const [x, y] = [Math.min(...corners.map(([each]) => each)), Math.min(...corners.map(([, each]) => each))];
  return [
    svg('polygon', { class: 'region-outline', points: corners.map((corner) => corner.join(',')).join(' ') }),
    svg('text', { class: 'region-words', x: x + 6, y: y + 18 }, unitsOf(region)),
  ];
}

function draw(pane) {
  pane.regions?.remove();
  pane.regions = null;
  const regions = shown && pane.stack?.isShown ? regionsIn(pane) : [];
  if (!regions.length) return;
  pane.regions = svg(
    'svg',
    { class: 'region-layer', role: 'img', 'aria-label': regions.map(unitsOf).join('; ') },
    ...regions.flatMap((region) => outline(pane.stack, region)),
  );
  pane.frame.host.append(pane.regions);
}

export function plug({ toolbar, panes }) {
  const run = () => {
    shown = !shown;
    panes.all.forEach(draw);
    toolbar.refresh();
  };
  const state = () => ({ pressed: shown, hidden: regionsIn(panes.active).length === 0 });
  toolbar.add({ group: 'view', name: 'regions', label: t('Regions'), run, state });
  for (const name of ['image', 'view', 'drawn', 'closed']) {
    panes.addEventListener(name, ({ detail }) => shown && draw(detail.pane));
  }
}
