import { utilities } from '@cornerstonejs/core';
import { TAG, text } from '../attributes.js';

/** Views around the patient of the turning projection. */
const VIEWS = 36;

const [BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION] = ['00280101', '00280102', '00280103'];

const numbersOf = (vr, ...found) => ({ vr, Value: found });

let cuts = 0;

/**
 * @typedef {object} CutWanted
 * @property {import('./volume.js').Volume} volume
 * @property {import('./volume.js').Orientation|'spin'} plane
 * @property {{thickness: number, mode: 'max'|'mean'|'min'}} [slab]
 */

/**
 * The images of a cut, as a stack takes them: each is computed when it is looked at.
 * @param {CutWanted} wanted
 * @returns {import('../series_images.js').StackImage[]} with `draw`, and without an address or a SOP Instance
 */
export function imagesOfCut({ volume, plane, slab = { thickness: 0, mode: 'max' } }) {
  cuts += 1;
  const layout = plane === 'spin' ? null : volume.cut(plane);
  return Array.from({ length: layout?.count ?? VIEWS }, (_, index) => {
    const imageId = `cut:${cuts}!${plane}/${index}`;
    const instance = layout ? cutInstance(volume, plane, index, layout) : bareInstance(volume);
    const draw = () => (layout ? drawCut(volume, plane, index, layout, slab) : drawView(volume, index));
    return { imageId, url: '', sopInstanceUid: '', frame: 1, instance, draw: () => asImage(imageId, draw(), volume) };
  });
}

function drawCut(volume, plane, index, { columns, rows, spacing }, slab) {
  return { pixels: volume.pixels(plane, index, slab), columns, rows, spacing };
}

function drawView(volume, index) {
  return volume.spin((2 * Math.PI * index) / VIEWS);
}

/** What a reader of DICOM JSON finds in an image that no file holds. */
export function bareInstance({ source, frame }) {
  const kept = [TAG.modality, TAG.bodyPart, TAG.seriesDescription, TAG.windowWidth, TAG.windowCenter];
  const copied = Object.fromEntries(kept.filter((tag) => source.instance[tag]).map((tag) => [tag, source.instance[tag]]));
  return {
    ...copied,
    [TAG.samplesPerPixel]: numbersOf('US', 1),
    [TAG.photometricInterpretation]: numbersOf('CS', text(source.instance, TAG.photometricInterpretation) || 'MONOCHROME2'),
    [TAG.bitsAllocated]: numbersOf('US', 16),
    [BITS_STORED]: numbersOf('US', 16),
    [HIGH_BIT]: numbersOf('US', 15),
    [PIXEL_REPRESENTATION]: numbersOf('US', 1),
    [TAG.frameOfReference]: numbersOf('UI', frame),
  };
}

function cutInstance(volume, plane, index, { columns, rows, spacing }) {
  const { origin, right, down } = volume.placeOf(plane, index);
  return {
    ...bareInstance(volume),
    [TAG.rows]: numbersOf('US', rows),
    [TAG.columns]: numbersOf('US', columns),
    [TAG.pixelSpacing]: numbersOf('DS', spacing[1], spacing[0]),
    [TAG.imagePosition]: numbersOf('DS', ...origin),
    [TAG.imageOrientation]: numbersOf('DS', ...right, ...down),
  };
}

/** The narrowest numbers that hold every value: drawing is quickest with 16 bits. */
function narrowed(pixels) {
  if (pixels instanceof Float32Array) return { pixels, ...extremes(pixels) };
  const { low, high } = extremes(pixels);
  if (low >= -32768 && high <= 32767) return { pixels: new Int16Array(pixels), low, high };
  if (low >= 0 && high <= 65535) return { pixels: new Uint16Array(pixels), low, high };
  return { pixels: new Float32Array(pixels), low, high };
}

function extremes(pixels) {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < pixels.length; at += 1) {
    if (pixels[at] < low) low = pixels[at];
    if (pixels[at] > high) high = pixels[at];
  }
  return { low, high };
}

/** Cornerstone's image. */
export function asImage(imageId, { pixels: computed, columns, rows, spacing }, { scale, window, invert }) {
  const { pixels, low, high } = narrowed(computed);
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    scalarData: pixels,
    width: columns,
    height: rows,
    numberOfComponents: 1,
  });
  return {
    imageId,
    dataType: pixels.constructor.name,
    voxelManager,
    getPixelData: () => pixels,
    getCanvas: undefined,
    rows,
    columns,
    height: rows,
    width: columns,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    rowPixelSpacing: spacing[1],
    columnPixelSpacing: spacing[0],
    slope: scale.slope,
    intercept: scale.intercept,
    windowWidth: window.width,
    windowCenter: window.center,
    invert,
    minPixelValue: low,
    maxPixelValue: high,
    sizeInBytes: pixels.byteLength,
  };
}
