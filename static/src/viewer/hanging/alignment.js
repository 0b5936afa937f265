import { along, minus } from '../vectors.js';

/** Images that are compared side by side: at one scale, each with its inner edge at the middle of the screen. */

/**
 * Where an image lies in its viewport, in CSS pixels.
 * @returns {{left: number, right: number, width: number}|null}
 */
function extentOf({ viewport }) {
  const data = viewport.getImageData();
  if (!data) return null;
  const [columns, rows] = data.dimensions;
  const corners = [
    [0, 0, 0],
    [columns, 0, 0],
    [0, rows, 0],
    [columns, rows, 0],
  ].map((corner) => viewport.worldToCanvas(data.imageData.indexToWorld(corner))[0]);
  return { left: Math.min(...corners), right: Math.max(...corners), width: viewport.element.clientWidth };
}

/** Move an image on the screen by moving the camera the other way; `pixels` to the right. */
function moveBy(viewport, pixels) {
  const [here, there] = [[0, 0], [pixels, 0]].map((point) => viewport.canvasToWorld(point));
  const away = minus(here, there);
  const { focalPoint, position } = viewport.getCamera();
  viewport.setCamera({ focalPoint: along(focalPoint, away, 1), position: along(position, away, 1) });
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/**
 * @param {{stack: import('../stack.js').Stack|null, edge: 'left'|'right'}[]} hung
 */
export async function alignAtEdges(hung) {
  // Viewports take the size of their panes a frame after they open.
  await nextFrame();
  await nextFrame();
  const shown = hung.filter(({ stack }) => stack?.isShown);
  const scale = Math.max(...shown.map(({ stack }) => stack.viewport.getCamera().parallelScale));
  for (const { stack, edge } of shown) {
    stack.viewport.setCamera({ parallelScale: scale });
    const extent = extentOf(stack);
    if (!extent) continue;
    const shift = edge === 'right' ? extent.width - extent.right : -extent.left;
    moveBy(stack.viewport, shift);
    stack.viewport.render();
  }
}
