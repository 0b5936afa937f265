/** Files for the tests: DICOM by hand, ZIPs by zip.js, as small as they can be. */
import { BlobWriter, Uint8ArrayReader, ZipWriter, configure } from "@zip.js/zip.js/lib/zip-core-native.js";

import { Survey } from "../survey/survey.js";

configure({ useWebWorkers: false });
const LONG = new Set(["OB", "OW", "SQ", "UN"]);
export const DIRECTORY = "1.2.840.10008.1.3.10";

export const bytesOf = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const number = (value, size) => Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 255);

export function element(tag, vr, value, { explicit = true, length } = {}) {
  const body = typeof value === "string" ? [...bytesOf(value)] : [...value];
  if (body.length % 2) body.push(vr === "UI" ? 0 : 32);
  const head = [...number(tag >>> 16, 2), ...number(tag & 0xffff, 2)];
  const size = length ?? body.length;
  if (!explicit) return [...head, ...number(size, 4), ...body];
  const kind = [...bytesOf(vr)];
  return [...head, ...kind, ...(LONG.has(vr) ? [0, 0, ...number(size, 4)] : number(size, 2)), ...body];
}

export function meta(syntax, sopClass = "1.2.3") {
  const group = [...element(0x00020002, "UI", sopClass), ...element(0x00020010, "UI", syntax)];
  return [...element(0x00020000, "UL", number(group.length, 4)), ...group];
}

/** The data set of an image, of which only the index is there. */
export function dataSet({
  study = "1.2.1",
  name = "DOE^JANE",
  charset = "",
  before = [],
  explicit = true,
} = {}) {
  const one = (tag, vr, value) => element(tag, vr, value, { explicit });
  return [
    ...(charset ? one(0x00080005, "CS", charset) : []),
    ...one(0x00080016, "UI", "1.2.3"),
    ...one(0x00080018, "UI", `${study}.9`),
    ...one(0x00080020, "DA", "20260102"),
    ...one(0x00080060, "CS", "CT"),
    ...before,
    ...one(0x00100010, "PN", name),
    ...one(0x00100020, "LO", "P-1"),
    ...one(0x0020000d, "UI", study),
    ...one(0x0020000e, "UI", `${study}.1`),
    ...one(0x7fe00010, "OW", [1, 2, 3, 4]),
  ];
}

export const preamble = [...new Uint8Array(128), ...bytesOf("DICM")];
export const part10 = (options = {}) =>
  Uint8Array.from([...preamble, ...meta(options.syntax ?? "1.2.840.10008.1.2.1"), ...dataSet(options)]);

export function dicomdir(paths) {
  const items = paths.flatMap((path) => {
    const record = [...element(0x00041430, "CS", "IMAGE"), ...element(0x00041500, "CS", path)];
    return [0xfe, 0xff, 0x00, 0xe0, ...number(record.length, 4), ...record];
  });
  return Uint8Array.from([
    ...preamble,
    ...meta("1.2.840.10008.1.2.1", DIRECTORY),
    ...element(0x00041220, "SQ", items),
  ]);
}

/** @param {[string, Uint8Array, object?][]} files */
export async function zip(files, options = {}) {
  const writer = new ZipWriter(new BlobWriter(), { useCompressionStream: true, ...options });
  for (const [name, content, own] of files) await writer.add(name, new Uint8ArrayReader(content), own);
  return new Uint8Array(await (await writer.close()).arrayBuffer());
}

/** Surveys files given as `{path: bytes}`; what it said, and how to read what it found. */
export async function survey(files, { passwords = [], limits } = {}) {
  const said = { found: [], leftOut: [], asked: [], indexes: [], shelf: new Map() };
  const chosen = Object.entries(files).map(([path, content], index) => ({
    index,
    path,
    file: new File([content], path.split("/").at(-1), { lastModified: 1 }),
  }));
  const work = new Survey(
    {
      found: (file) => said.found.push(file),
      leftOut: (file) => said.leftOut.push(file),
      read: () => {},
      ask: async (name, isWrong) => {
        said.asked.push([name, isWrong]);
        return passwords.shift() ?? null;
      },
      index: (index) => said.indexes.push(index),
    },
    said.shelf,
    limits,
  );
  await work.add(chosen);
  await work.finish();
  said.read = ({ content }) => readBack(content, chosen, said.shelf);
  return said;
}

async function readBack({ index, ranges, blob, id }, chosen, shelf) {
  if (id) return bytes(await shelf.get(id).whole());
  if (blob) return bytes(blob);
  const { file } = chosen[index];
  return bytes(ranges ? new Blob(ranges.map(([start, end]) => file.slice(start, end))) : file);
}

const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer());
export const reasons = ({ leftOut }) => Object.fromEntries(leftOut.map(({ path, reason }) => [path, reason]));
