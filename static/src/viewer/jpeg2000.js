import { TAG, number } from './attributes.js';

const IS_JPEG_2000 = /^1\.2\.840\.10008\.1\.2\.4\.(9[0-3]|20[1-3])$/;

/** SOC, then SIZ (T.800 §A.5.1); where a file format is wrapped around it, it begins later. */
const START = [0xff, 0x4f, 0xff, 0x51];
const SIGN_AND_DEPTH = 42;
const LONGEST_WRAP = 512;

function startOf(bytes) {
  const last = Math.min(bytes.length - SIGN_AND_DEPTH - 1, LONGEST_WRAP);
  for (let at = 0; at <= last; at += 1) {
    if (START.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

/**
 * Whether a codestream says of its values' sign something else than the dataset (PS3.5 §8.2.4). The decoders here then
 * give neither the one nor the other.
 * @param {object} instance DICOM JSON dataset
 * @param {{bytes: Uint8Array, transferSyntaxUid: string}} frame
 */
export function signsDiffer(instance, { bytes, transferSyntaxUid }) {
  if (!IS_JPEG_2000.test(transferSyntaxUid)) return false;
  const start = startOf(bytes);
  if (start < 0) return false;
  return bytes[start + SIGN_AND_DEPTH] >> 7 !== (number(instance, TAG.pixelRepresentation) ?? 0);
}
