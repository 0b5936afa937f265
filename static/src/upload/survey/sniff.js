/**
 * What a file is, by its first bytes and never by its name: images on discs are called anything, and so are
 * the programs beside them.
 */
const PREFIX_AT = 128;
const LONGEST_TEXT = 512;

const MAGICS = [
  ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", "virus"],
  ["MZ", "program"],
  ["\x7fELF", "program"],
  ["\xfe\xed\xfa", "program"],
  ["\xce\xfa\xed\xfe", "program"],
  ["\xcf\xfa\xed\xfe", "program"],
  ["\xca\xfe\xba\xbe", "program"],
  ["L\0\0\0\x01\x14\x02\0", "program"],
  ["#!", "program"],
  ["\0asm", "program"],
  ["MSCF", "program"],
  ["%PDF", "document"],
  ["{\\rtf", "document"],
  ["\xd0\xcf\x11\xe0", "document"],
  ["\xff\xd8\xff", "picture"],
  ["\x89PNG", "picture"],
  ["GIF8", "picture"],
  ["BM", "picture"],
  ["II*\0", "picture"],
  ["MM\0*", "picture"],
  ["\0\0\x01\0", "picture"],
  ["RIFF", "video"],
  ["\x1a\x45\xdf\xa3", "video"],
  ["\0\0\x01\xba", "video"],
  ["ID3", "video"],
  ["PK\x03\x04", "zip"],
  ["PK\x05\x06", "zip"],
  ["PK\x06\x06", "zip"],
  ["Rar!", "archive"],
  ["7z\xbc\xaf", "archive"],
  ["\x1f\x8b", "archive"],
  ["BZh", "archive"],
  ["\xfd7zXZ", "archive"],
  ["<?xml", "page"],
  ["<!doc", "page"],
  ["<html", "page"],
];

/**
 * @param {Uint8Array} head the first bytes of a file, 132 or more where it has them
 * @returns {"empty"|"dicom"|"bare"|"zip"|"archive"|"virus"|"program"|"document"|"picture"|"video"|"page"|"text"|"other"}
 */
export function sniff(head) {
  if (!head.length) return "empty";
  if (latin(head, PREFIX_AT, 4) === "DICM") return "dicom";
  const start = latin(head, 0, 64);
  const magic = MAGICS.find(([mark]) => start.toLowerCase().startsWith(mark.toLowerCase()));
  if (magic) return magic[1];
  if (start.slice(4, 8) === "ftyp")
    return /^(heic|heix|mif1|avif|hevc)/.test(start.slice(8)) ? "picture" : "video";
  if (isBare(head)) return "bare";
  return isText(head) ? "text" : "other";
}

/** DICOM without preamble and "DICM" (PS3.10 §7.1 demands them, older discs lack them): plausible first tags. */
function isBare(head) {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset);
  const group = view.getUint16(0, true);
  const element = view.getUint16(2, true);
  if (group === 0x0002) return element <= 0x0002 && /^(UL|OB|UI)$/.test(latin(head, 4, 2));
  if (group !== 0x0008 || element > 0x0018) return false;
  if (/^(UL|CS|UI|LO|OB|SH)$/.test(latin(head, 4, 2))) return view.getUint16(6, true) < 256;
  return view.getUint32(4, true) < 256;
}

function isText(head) {
  return head
    .subarray(0, LONGEST_TEXT)
    .every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 0x20 && byte !== 0x7f));
}

/** Bytes as characters of the same numbers. */
export function latin(bytes, start, length) {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
