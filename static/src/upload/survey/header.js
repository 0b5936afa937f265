import { Incomplete, Walk } from "./elements.js";
import { HEADS } from "./limits.js";
import { latin } from "./sniff.js";
import { clean, decoderOf } from "./text.js";

const PREAMBLE = 132;
const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const BIG = "1.2.840.10008.1.2.2";
const DEFLATED = "1.2.840.10008.1.2.1.99";
const DIRECTORY = "1.2.840.10008.1.3.10";

const ASCII = {
  0x00080005: "charset",
  0x00080016: "sopClass",
  0x00080018: "sop",
  0x00080020: "date",
  0x00080060: "modality",
  0x00100030: "birthDate",
  0x0020000d: "study",
  0x0020000e: "series",
};
const TEXT = { 0x00081030: "description", 0x00100010: "patientName", 0x00100020: "patientId" };
const LAST = 0x0020000e;

/**
 * Whose file this is, from as little of it as tells.
 * @param {(bytes: number) => Promise<Uint8Array>} head the file's first bytes
 * @returns {Promise<Header|null>} null when it cannot be told; the server judges such a file, as it does all
 * @typedef {{study: string, series: string, sop: string, sopClass: string, modality: string, date: string,
 *   description: string, patientName: string, patientId: string, birthDate: string, syntax: string,
 *   isDirectory: boolean, lacks: "nothing"|"preamble"|"meta"}} Header
 */
export async function readHeader(head) {
  let last = 0;
  for (const size of HEADS) {
    const bytes = await head(size);
    try {
      return await parse(bytes);
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      if (bytes.length < size || bytes.length === last) return null;
      last = bytes.length;
    }
  }
  return null;
}

async function parse(bytes) {
  const hasPreamble = latin(bytes, 128, 4) === "DICM";
  const meta = readMeta(bytes, hasPreamble ? PREAMBLE : 0);
  const lacks = hasPreamble ? "nothing" : meta.end ? "preamble" : "meta";
  const directory = { isDirectory: meta.sopClass === DIRECTORY, lacks };
  if (directory.isDirectory) return { ...EMPTY, ...directory, syntax: meta.syntax };
  const syntax = meta.syntax || guessSyntax(bytes, meta.end);
  const start = meta.end || (hasPreamble ? PREAMBLE : 0);
  const set = syntax === DEFLATED ? await inflated(bytes.subarray(start)) : bytes.subarray(start);
  return { ...readSet(set, syntax), ...directory, syntax };
}

const EMPTY = Object.fromEntries([...Object.values(ASCII), ...Object.values(TEXT)].map((name) => [name, ""]));

/** Group 0002, always explicit little endian (PS3.10 §7.1); `end` is 0 where there is none. */
function readMeta(bytes, start) {
  const walk = new Walk(bytes, { explicit: true, little: true });
  const meta = { syntax: "", sopClass: "", end: 0 };
  let at = start;
  while (at + 8 <= bytes.length && walk.view.getUint16(at, true) === 0x0002) {
    const element = walk.element(at);
    if (element.tag === 0x00020010) meta.syntax = uid(walk.text(element));
    if (element.tag === 0x00020002) meta.sopClass = uid(walk.text(element));
    at = walk.after(element);
    meta.end = at;
  }
  if (meta.end > bytes.length) throw new Incomplete("file meta");
  return meta;
}

function guessSyntax(bytes, start) {
  return /^[A-Z]{2}$/.test(latin(bytes, start + 4, 2)) ? EXPLICIT : IMPLICIT;
}

function readSet(bytes, syntax) {
  const walk = new Walk(bytes, { explicit: syntax !== IMPLICIT, little: syntax !== BIG });
  const found = { ...EMPTY };
  const texts = [];
  let last = 0;
  walk.each(0, bytes.length, (element) => {
    last = element.tag;
    if (element.tag > LAST) return false;
    const { tag } = element;
    if (ASCII[tag]) found[ASCII[tag]] = uid(walk.text(element));
    else if (TEXT[tag]) texts.push([TEXT[tag], walk.value(element)]);
    return tag !== LAST;
  });
  if (!found.study && last <= LAST) throw new Incomplete("no study");
  const decoder = decoderOf(found.charset);
  for (const [name, value] of texts) found[name] = clean(decoder.decode(value)).slice(0, 256);
  return found;
}

/** ASCII without its padding; of no interest where it is longer than any of these may be. */
const uid = (text) => text.replace(/[\0\s]+$/, "").slice(0, 256);

/** As much of a deflated data set (PS3.5 §A.5) as these bytes hold. */
async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const pieces = [];
  let size = 0;
  try {
    while (size < HEADS.at(-1)) {
      const { value, done } = await reader.read();
      if (done) break;
      pieces.push(value);
      size += value.length;
    }
    await reader.cancel();
  } catch {
    // The head of a stream ends in the middle; what came before is good.
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/**
 * The file header that a file lacks (PS3.10 §7.1), to be sent in front of it; the file itself stays as it is.
 * @param {Header} header
 */
export function missingHeader({ lacks, sopClass, sop, syntax }) {
  if (lacks === "nothing") return null;
  const front = new Uint8Array(PREAMBLE);
  front.set([0x44, 0x49, 0x43, 0x4d], 128);
  if (lacks === "preamble") return front;
  const group = [
    [1, 0, "OB", "\0\x01"],
    [2, 0, "UI", sopClass],
    [3, 0, "UI", sop],
    [0x10, 0, "UI", syntax],
    [0x12, 0, "UI", "2.25.271828182845904523536028747135266249775"],
  ].flatMap(([element, , vr, value]) => metaElement(element, vr, value));
  const length = [...new Uint8Array(Uint32Array.of(group.length).buffer)];
  return Uint8Array.from([...front, ...metaElement(0, "UL", String.fromCharCode(...length)), ...group]);
}

function metaElement(element, vr, text) {
  const value = [...text].map((char) => char.charCodeAt(0));
  if (value.length % 2) value.push(0);
  const size = vr === "OB" ? [0, 0, value.length, 0, 0, 0] : [value.length, 0];
  return [2, 0, element, 0, vr.charCodeAt(0), vr.charCodeAt(1), ...size, ...value];
}
