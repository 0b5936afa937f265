import { t } from '../i18n.js';
import { TAG, text } from './attributes.js';
import { withColourModel } from './jpeg_colour.js';
import { signsDiffer } from './jpeg2000.js';
import { frameLength, laidOut, layoutOf } from './layouts.js';
import { hasLuts } from './luts.js';
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

/** What Cornerstone's decoders for compressed frames draw wrongly, hang on or blank out. */
function reasonByLayout({ photometric, bitsAllocated, samples }, instance) {
  const palette = photometric === 'PALETTE COLOR';
  if (palette && bitsAllocated > 8) return t('Compressed 16-bit palette colour is not supported.');
  if (palette && !hasPalettes(instance)) return t('The colour table is missing.');
  if (samples === 1 && hasLuts(instance)) return t('Compressed images with a look-up table are not supported.');
  if (bitsAllocated === 1) return t('Compressed one-bit images are not supported.');
  if (bitsAllocated <= (samples > 1 ? 8 : 16)) return '';
  return t('Compressed images with {bits} bits per sample are not supported.', { bits: bitsAllocated });
}

function nativeFrame(instance, { bytes, transferSyntaxUid }, number) {
  if (bytes.length < frameLength(layoutOf(instance))) {
    throw new CannotBeShown(t('The stored pixel data is shorter than the image.'), transferSyntaxUid);
  }
  const frame = laidOut(instance, bytes, number);
  if (!frame) throw new CannotBeShown(t('The colour table is missing.'), transferSyntaxUid);
  return { ...frame, transferSyntaxUid };
}

/**
 * A frame that the decoders draw rightly, and the dataset that describes it; the rest is refused.
 * @param {object} instance DICOM JSON dataset
 * @param {{bytes: Uint8Array, transferSyntaxUid: string}} frame as stored
 * @param {number} [number] of the frame, counted from 1
 * @returns {{bytes: Uint8Array, transferSyntaxUid: string, instance: object}}
 * @throws {CannotBeShown}
 */
export function decodable(instance, frame, number = 1) {
  const { bytes, transferSyntaxUid } = frame;
  if (!isDecoded(transferSyntaxUid)) {
    throw new CannotBeShown(t('This encoding is not supported.'), transferSyntaxUid);
  }
  if (isNative(transferSyntaxUid)) return nativeFrame(instance, frame, number);
  const differing = signsDiffer(instance, frame) && t('The pixel data is signed in another way than the file says.');
  const reason = differing || reasonByLayout(layoutOf(instance), instance);
  if (reason) throw new CannotBeShown(reason, transferSyntaxUid);
  const photometric = text(instance, TAG.photometricInterpretation);
  return { bytes: withColourModel(bytes, transferSyntaxUid, photometric), transferSyntaxUid, instance };
}
