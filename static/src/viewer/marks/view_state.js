import { t } from '../../i18n.js';

/**
 * How a series is shown, as the portal keeps it: turned clockwise, then mirrored left to right (PS3.3 §C.10.6).
 * @typedef {object} View
 * @property {number[]|null} window centre and width, null for each image's own
 * @property {boolean} inverted
 * @property {0|90|180|270} rotation
 * @property {boolean} flipped
 * @property {number[]|null} area left, top, right, bottom in pixels of the image; null for all of it
 */

const FITS = 0.03;

/** @returns {{rotation: number, flipped: boolean}} from the linear part of the map to the screen */
export function orientationOf([a, b, c, d]) {
  const flipped = a * d - b * c < 0;
  // Mirroring comes last: without it the image's rows run along (cos, sin) of the rotation.
  const degrees = (Math.atan2(b, flipped ? -a : a) * 180) / Math.PI;
  return { rotation: (((Math.round(degrees / 90) * 90) % 360) + 360) % 360, flipped };
}

/** @returns {number[]} what of the image the screen shows, by the map and the screen's size */
export function visibleArea(map, { width, height }) {
  const corners = [[0, 0], [width, 0], [width, height], [0, height]].map(map.invert); // prettier-ignore
  const [across, down] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  return [Math.min(...across), Math.min(...down), Math.max(...across), Math.max(...down)];
}

/** @returns {boolean} whether the whole image is in sight and as large as may be */
export function isWhole([left, top, right, bottom], { columns, rows }) {
  const near = (value, wanted, size) => Math.abs(value - wanted) <= FITS * size;
  const across = near(left, 0, columns) && near(right, columns, columns);
  const down = near(top, 0, rows) && near(bottom, rows, rows);
  const contains = left <= FITS * columns && top <= FITS * rows;
  return contains && right >= (1 - FITS) * columns && bottom >= (1 - FITS) * rows && (across || down);
}

/** @returns {View} how a pane shows its series now */
export function viewOf(pane, map) {
  const { stack, frame } = pane;
  const size = { width: frame.host.clientWidth, height: frame.host.clientHeight };
  const area = visibleArea(map, size);
  const chosen = stack.chosenWindow;
  return {
    window: chosen ? [chosen.center, chosen.width] : null,
    inverted: stack.inverted,
    ...orientationOf(map.linear),
    area: isWhole(area, stack.pixels) ? null : area,
  };
}

/** @returns {boolean} whether a view differs from how every series begins */
export function isAltered({ window, inverted, rotation, flipped, area }) {
  return Boolean(window || inverted || rotation || flipped || area);
}

/**
 * Show a pane's series as a view says.
 * @param {object} pane whose image is on the screen
 * @param {View} view
 * @param {import('./layer.js').Layer} layer where things are on the screen, as it is then
 */
export function applyView(pane, view, layer) {
  const { stack } = pane;
  if (view.window) stack.setWindow({ center: view.window[0], width: view.window[1] });
  if (view.inverted !== stack.inverted) stack.invert();
  turn(stack, view, layer);
  if (view.area) zoomTo(pane, view.area, layer);
  stack.viewport.render();
}

/** Cornerstone's order of turning and mirroring differs between its ways of drawing: the screen decides. */
function turn(stack, { rotation, flipped }, layer) {
  const { viewport } = stack;
  const lies = () => {
    const now = orientationOf(layer.map.linear);
    return now.rotation === rotation && now.flipped === flipped;
  };
  if (lies()) return;
  for (const flipHorizontal of [flipped, !flipped]) {
    for (const degrees of [rotation, (360 - rotation) % 360, 0, 180]) {
      viewport.setCamera({ flipHorizontal, flipVertical: false });
      viewport.setRotation(degrees);
      stack.fit();
      if (lies()) return;
    }
  }
}

function zoomTo({ stack, frame }, [left, top, right, bottom], layer) {
  const { clientWidth: width, clientHeight: height } = frame.host;
  const corners = [[left, top], [right, bottom]].map(layer.map.apply); // prettier-ignore
  const [across, down] = [0, 1].map((axis) => Math.abs(corners[1][axis] - corners[0][axis]));
  if (!across || !down) return;
  stack.zoom(Math.min(width / across, height / down));
  const { focalPoint, position } = stack.viewport.getCamera();
  const wanted = layer.worldOf([(left + right) / 2, (top + bottom) / 2]);
  const shift = wanted.map((value, axis) => value - focalPoint[axis]);
  const moved = (point) => point.map((value, axis) => value + shift[axis]);
  stack.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
}

/** @returns {string} for the reader whose image was turned and windowed by a saved view */
export const viewNotice = () => t('Shown as it was saved. Reset shows it as it came.');
