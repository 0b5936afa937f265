const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const APP0 = 0xe0;
const APP14 = 0xee;
const START_OF_SCAN = 0xda;

/** "Adobe", version 100, no flags, transform 0: the components are red, green and blue (T.872 §6.5.3). */
const ADOBE_RGB = Uint8Array.from([
  0xff,
  APP14,
  0,
  14,
  0x41,
  0x64,
  0x6f,
  0x62,
  0x65,
  0,
  100,
  0,
  0,
  0,
  0,
  0,
]);

function markers(bytes) {
  const found = new Set();
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== START_OF_SCAN) {
    found.add(bytes[at + 1]);
    at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  return found;
}

/**
 * Browsers take three components for YCbCr unless the stream says otherwise. DICOM says it outside of
 * the stream (Photometric Interpretation RGB): tell the browser.
 * @param {Uint8Array} bytes a JPEG stream
 * @param {string} transferSyntaxUid
 * @param {string} photometric Photometric Interpretation
 * @returns {Uint8Array} the same bytes where nothing needs to be said
 */
export function withColourModel(bytes, transferSyntaxUid, photometric) {
  if (transferSyntaxUid !== JPEG_BASELINE || photometric !== 'RGB') return bytes;
  const present = markers(bytes);
  if (present.has(APP0) || present.has(APP14)) return bytes;
  const marked = new Uint8Array(bytes.length + ADOBE_RGB.length);
  marked.set(bytes.subarray(0, 2));
  marked.set(ADOBE_RGB, 2);
  marked.set(bytes.subarray(2), 2 + ADOBE_RGB.length);
  return marked;
}
