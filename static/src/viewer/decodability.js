import { TAG, number, text } from './attributes.js';
import { withColourModel } from './jpeg_colour.js';
import { hasPalettes } from './prepared.js';
import { isDecoded, isNative } from './transfer_syntaxes.js';

/** Why an image cannot be drawn here; the message is fit for the screen. */
export class CannotBeShown extends Error {
  /**
   * @param {string} reason a sentence
   * @param {string} transferSyntaxUid '' when it is not known
   */
  constructor(reason, transferSyntaxUid = '') {
    super(reason);
    this.name = 'CannotBeShown';
    this.transferSyntaxUid = transferSyntaxUid;
  }
}

function pixelLayout(instance) {
  return {
    photometric: text(instance, TAG.photometricInterpretation),
    bitsAllocated: number(instance, TAG.bitsAllocated) ?? 16,
    samples: number(instance, TAG.samplesPerPixel) ?? 1,
    pixels: (number(instance, TAG.rows) ?? 0) * (number(instance, TAG.columns) ?? 0),
  };
}

function reasonByLayout(layout, native, instance) {
  const palette = layout.photometric === 'PALETTE COLOR';
  if (palette && layout.bitsAllocated > 8) return '16-bit palette colour is not supported.';
  if (palette && !hasPalettes(instance)) return 'The colour table is missing.';
  if (layout.samples > 1 && layout.bitsAllocated > 8) {
    return `Colour with ${layout.bitsAllocated} bits per sample is not supported.`;
  }
  if (native && layout.photometric.endsWith('422')) {
    return 'Uncompressed colour with halved chroma (YBR 4:2:2) is not supported.';
  }
  if (layout.bitsAllocated === 1) return 'One-bit images such as segmentations are not supported.';
  if (layout.bitsAllocated > 32)
    return `Images with ${layout.bitsAllocated} bits per pixel are not supported.`;
  return '';
}

function expectedLength({ pixels, samples, bitsAllocated }) {
  return (pixels * samples * bitsAllocated) / 8;
}

/**
 * A frame the decoders draw rightly: what they would draw wrongly, hang on or blank out is refused.
 * @param {object} instance DICOM JSON dataset
 * @param {{bytes: Uint8Array, transferSyntaxUid: string}} frame as stored
 * @returns {{bytes: Uint8Array, transferSyntaxUid: string}} without the byte that pads an odd length
 * @throws {CannotBeShown}
 */
export function decodable(instance, { bytes, transferSyntaxUid }) {
  if (!isDecoded(transferSyntaxUid)) {
    throw new CannotBeShown('This encoding is not supported.', transferSyntaxUid);
  }
  const layout = pixelLayout(instance);
  const native = isNative(transferSyntaxUid);
  const reason = reasonByLayout(layout, native, instance);
  if (reason) throw new CannotBeShown(reason, transferSyntaxUid);
  if (!native)
    return { bytes: withColourModel(bytes, transferSyntaxUid, layout.photometric), transferSyntaxUid };
  if (bytes.length < expectedLength(layout)) {
    throw new CannotBeShown('The stored pixel data is shorter than the image.', transferSyntaxUid);
  }
  return { bytes: bytes.subarray(0, expectedLength(layout)), transferSyntaxUid };
}
