import { EXPLICIT_LITTLE_ENDIAN } from './transfer_syntaxes.js';

/** The answer to a frame request is not one well-formed part. */
export class MalformedMultipart extends Error {
  constructor(reason) {
    super(`The portal's answer cannot be read: ${reason}.`);
    this.name = 'MalformedMultipart';
  }
}

/** Transfer syntaxes that a media type implies when it names none (PS3.18 §8.7.3.3). */
const DEFAULT_BY_TYPE = Object.freeze({
  'image/jpeg': '1.2.840.10008.1.2.4.50',
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/x-dicom-rle': '1.2.840.10008.1.2.5',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/jpx': '1.2.840.10008.1.2.4.92',
  'image/jphc': '1.2.840.10008.1.2.4.201',
  'image/jxl': '1.2.840.10008.1.2.4.110',
});

const latin1 = new TextDecoder('latin1');
const ascii = (value) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

function parameter(header, name) {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, 'i').exec(header);
  return match ? (match[1] ?? match[2]) : '';
}

function indexOf(bytes, wanted, from) {
  const last = bytes.length - wanted.length;
  for (
    let at = bytes.indexOf(wanted[0], from);
    at !== -1 && at <= last;
    at = bytes.indexOf(wanted[0], at + 1)
  ) {
    if (wanted.every((value, offset) => bytes[at + offset] === value)) return at;
  }
  return -1;
}

function lastIndexOf(bytes, wanted) {
  for (let at = bytes.length - wanted.length; at >= 0; at -= 1) {
    if (wanted.every((value, offset) => bytes[at + offset] === value)) return at;
  }
  return -1;
}

function transferSyntaxOf(contentType) {
  const named = parameter(contentType, 'transfer-syntax');
  if (named && named !== '*') return named;
  const mediaType = contentType.split(';')[0].trim().toLowerCase();
  return DEFAULT_BY_TYPE[mediaType] ?? EXPLICIT_LITTLE_ENDIAN;
}

/**
 * The one frame inside a `multipart/related` body (RFC 2387), or a bare body.
 *
 * The closing boundary is sought from the end: pixel bytes may hold anything, the boundary included.
 * @param {string} contentType the response's header
 * @param {Uint8Array} bytes the whole body
 * @returns {{bytes: Uint8Array, transferSyntaxUid: string}} bytes start at offset 0 of their own buffer
 * @throws {MalformedMultipart}
 */
export function frameOf(contentType, bytes) {
  if (!/^multipart\//i.test(contentType)) {
    return { bytes, transferSyntaxUid: transferSyntaxOf(contentType) };
  }
  const boundary = parameter(contentType, 'boundary');
  if (!boundary) throw new MalformedMultipart('no boundary');
  const headerEnd = indexOf(bytes, ascii('\r\n\r\n'), 0);
  const end = lastIndexOf(bytes, ascii(`\r\n--${boundary}`));
  if (headerEnd === -1 || end < headerEnd) throw new MalformedMultipart('cut short');
  const headers = latin1.decode(bytes.subarray(0, headerEnd));
  const partType = /^content-type:\s*(.*)$/im.exec(headers)?.[1] ?? contentType;
  return { bytes: bytes.slice(headerEnd + 4, end), transferSyntaxUid: transferSyntaxOf(partType) };
}
