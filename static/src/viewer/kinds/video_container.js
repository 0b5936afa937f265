import { t } from '../../i18n.js';

const ascii = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

/**
 * What a video is wrapped in, told by its first bytes: DICOM leaves it open (PS3.5 §8.2.7).
 * @param {Uint8Array} bytes
 * @returns {string} a media type, '' for what is not known
 */
export function containerOf(bytes) {
  if (ascii(bytes, 4, 8) === 'ftyp') return 'video/mp4';
  if (bytes[0] === 0x47 && (bytes.length <= 188 || bytes[188] === 0x47)) return 'video/mp2t';
  const start = bytes[0] === 0 && bytes[1] === 0 && (bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1));
  if (start && bytes[2] === 1 && (bytes[3] === 0xba || bytes[3] === 0xb3)) return 'video/mpeg';
  return start ? 'video/h264' : '';
}

/** @returns {string} why browsers do not play it, '' where they may */
export function mayPlay(container) {
  if (container === 'video/mp4') return '';
  if (container === 'video/mpeg') return t('It is MPEG-2, which browsers do not play.');
  if (container === 'video/mp2t') return t('It is a transport stream (MPEG-TS), which browsers do not play.');
  return t('It is a bare video stream, which browsers do not play.');
}
