import { TAG, spacing, text, values } from './attributes.js';

/** Red, green and blue palette descriptors and data (PS3.3 §C.7.9). */
const PALETTES = Object.freeze([
  ['00281101', '00281201'],
  ['00281102', '00281202'],
  ['00281103', '00281203'],
]);

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** One entry per byte or per little-endian 16-bit word: the length tells which. */
function paletteEntries(bytes, entries) {
  if (bytes.length < entries * 2) return [...bytes];
  const view = new DataView(bytes.buffer);
  return Array.from({ length: entries }, (_, at) => view.getUint16(at * 2, true));
}

function withPalettes(instance) {
  for (const [descriptor, data] of PALETTES) {
    const inline = instance[data]?.InlineBinary;
    if (!inline) continue;
    const entries = Number(values(instance, descriptor)[0]) || 65536;
    instance[data] = { ...instance[data], Value: paletteEntries(bytesOf(inline), entries) };
  }
}

/**
 * The dataset as Cornerstone's metadata readers can take it: palettes as numbers, a modality always (they
 * throw without one), and Imager Pixel Spacing, which radiographs often carry alone, as Pixel Spacing.
 * @param {object} instance DICOM JSON dataset; not changed
 * @returns {object}
 */
export function prepared(instance) {
  const copy = { ...instance };
  if (!text(copy, TAG.modality)) copy[TAG.modality] = { vr: 'CS', Value: ['OT'] };
  if (!spacing(copy, TAG.pixelSpacing)) {
    delete copy[TAG.pixelSpacing];
    if (spacing(copy, TAG.imagerPixelSpacing)) copy[TAG.pixelSpacing] = copy[TAG.imagerPixelSpacing];
  }
  withPalettes(copy);
  return copy;
}

/** @returns {boolean} whether a palette image brings all its colours along */
export function hasPalettes(instance) {
  return PALETTES.every(([, data]) => instance[data]?.InlineBinary || values(instance, data).length > 0);
}
