/**
 * What the pixels of a decoded image stand for (PS3.3 §C.11.1).
 *
 * Cornerstone's loader rescales while it decodes and says so; its drawing on the processor turns non-integer values
 * back into stored ones with a scale of its own, which only the voxel manager then hands out.
 * @param {object} image Cornerstone's
 * @returns {{pixels: TypedArray, slope: number, intercept: number}} value = pixel × slope + intercept
 */
export function scaleOf(image) {
  const pixels = image.voxelManager?.getScalarData?.() ?? image.getPixelData();
  if (image.preScale?.scaled) return { pixels, slope: 1, intercept: 0 };
  return { pixels, slope: image.slope ?? 1, intercept: image.intercept ?? 0 };
}
