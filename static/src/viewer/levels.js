import { scaleOf } from './rescaling.js';

/** Pixels looked at for the percentiles: enough for a picture, quick for a large one. */
const SAMPLE = 40_000;

/**
 * The values in an image, rescaled (PS3.3 §C.11.1).
 * @param {object} image Cornerstone's
 * @returns {{low: number, high: number, darkest: number, brightest: number}} extremes, and the 1st and 99th percentile
 */
export function levelsOf(image) {
  const { pixels, slope, intercept } = scaleOf(image);
  const step = Math.max(1, Math.floor(pixels.length / SAMPLE));
  const sample = new Float32Array(Math.ceil(pixels.length / step));
  for (let at = 0; at < sample.length; at += 1) sample[at] = pixels[at * step];
  sample.sort();
  const rescaled = (value) => value * slope + intercept;
  return {
    low: rescaled(image.minPixelValue ?? sample[0]),
    high: rescaled(image.maxPixelValue ?? sample.at(-1)),
    darkest: rescaled(sample[Math.floor(sample.length * 0.01)]),
    brightest: rescaled(sample[Math.min(sample.length - 1, Math.floor(sample.length * 0.99))]),
  };
}
