import { planeOf } from '../planes.js';
import { scaleOf } from '../rescaling.js';
import { Volume, orderOf } from './volume.js';

const PARALLEL = 4;

/**
 * Gather every slice of a stack into a volume.
 * @param {import('../stack.js').Stack} stack
 * @param {(loaded: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Volume>}
 */
export async function loadVolume(stack, onProgress, signal) {
  const { images, store } = stack;
  const pixels = new Array(images.length);
  let loaded = 0;
  const waiting = [...images.keys()];
  const fetchNext = async () => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      signal.throwIfAborted();
      pixels[at] = await withPatience(store, images[at].imageId, signal);
      loaded += 1;
      onProgress(loaded);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, fetchNext));
  signal.throwIfAborted();
  return volumeOf(images, pixels);
}

/** A reader who scrolls gives images up on the way: the volume asks for them again. */
async function withPatience(store, imageId, signal) {
  for (;;) {
    try {
      return await store.get(imageId);
    } catch (error) {
      if (error.name !== 'AbortError' || signal.aborted) throw error;
    }
  }
}

function volumeOf(images, pixels) {
  const planes = images.map(planeOf);
  const order = orderOf(planes);
  const first = pixels[0];
  const scales = pixels.map(scaleOf);
  const one = scales.every(({ slope, intercept }) => slope === scales[0].slope && intercept === scales[0].intercept);
  const volume = new Volume({
    slices: order.map((at) => (one ? scales[at].pixels : rescaled(scales[at]))),
    planes: order.map((at) => planes[at]),
    columns: first.columns,
    rows: first.rows,
  });
  const { slope, intercept } = one ? scales[0] : { slope: 1, intercept: 0 };
  const window = { width: first.windowWidth, center: first.windowCenter };
  return Object.assign(volume, { scale: { slope, intercept }, window, invert: Boolean(first.invert), source: images[0] });
}

/** Values that all slices can be compared by, where each has a scale of its own, as in PET. */
function rescaled({ pixels, slope, intercept }) {
  return slope === 1 && intercept === 0 ? pixels : Float32Array.from(pixels, (value) => value * slope + intercept);
}
