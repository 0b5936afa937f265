import { BlobReader, ZipReader, configure } from "@zip.js/zip.js/lib/zip-core-native.js";

import { FREE_GROWTH, MOST_FILES, MOST_GROWTH, MOST_UNPACKED } from "./limits.js";
import { Packed } from "./packed.js";

configure({ useWebWorkers: false });

const STORED = 0;
const LOCAL_HEADER = 30;

/** The old encryption checks a password by one byte (APPNOTE §6.1.6): a wrong one passes at one file in 256. */
const PROBES = 3;

/** So much of a file is read to try a password, bytes. */
const PROBED = 16 * 2 ** 20;

/** Why an archive is not read: `code` is one of the reasons that the page has words for. */
export class ArchiveRefused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * The files in a ZIP (APPNOTE.TXT 6.3), by its own index, without unpacking any.
 * @param place where the archive lies: a Place
 * @param {(isWrong: boolean) => Promise<string|null>} askPassword null: the user has none
 * @param {(entry, password) => Packed} packed
 * @returns {Promise<{name: string, modified: number, place: object|null, refusal: string|null}[]>}
 * @throws {ArchiveRefused}
 */
export async function readArchive(place, askPassword, packed) {
  const entries = await list(place);
  requireBounds(entries, place.size);
  const password = await agreePassword(entries, askPassword);
  const files = [];
  for (const entry of entries) files.push(await describe(entry, place, password, packed));
  return files;
}

async function list(place) {
  const reader = new ZipReader(new BlobReader(place.blob), {
    filenameValidation: "tolerant",
    useCompressionStream: true,
  });
  const entries = [];
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (entries.length >= MOST_FILES) throw new ArchiveRefused("too-many");
      if (!entry.directory) entries.push(entry);
    }
  } catch (error) {
    throw error instanceof ArchiveRefused ? error : new ArchiveRefused(codeOf(error));
  }
  return entries;
}

const codeOf = (error) => (/split/i.test(error.message) ? "zip-split" : "zip-damaged");

/** What the index declares is checked before anything is read; what comes out is counted while it is read. */
function requireBounds(entries, size) {
  const sum = (name) => entries.reduce((total, entry) => total + entry[name], 0);
  const packed = sum("compressedSize");
  const unpacked = sum("uncompressedSize");
  // Files that share their bytes: how the worst bombs are made.
  if (packed > size) throw new ArchiveRefused("bomb");
  const grows = unpacked > FREE_GROWTH && unpacked > packed * MOST_GROWTH;
  if (grows || unpacked > MOST_UNPACKED) throw new ArchiveRefused("bomb");
}

/** Asked once for an archive and until the password opens one of its smallest locked files, or the user gives up. */
async function agreePassword(entries, askPassword) {
  const locked = entries.filter(({ encrypted, uncompressedSize }) => encrypted && uncompressedSize);
  if (!locked.length) return null;
  const probes = locked.sort((one, other) => one.compressedSize - other.compressedSize).slice(0, PROBES);
  for (let isWrong = false; ; isWrong = true) {
    const password = await askPassword(isWrong);
    if (password === null || (await opens(probes, password))) return password;
  }
}

/** Whether a file comes whole with it; one that does not is damaged under AES, and may be noise under the old encryption. */
async function opens(probes, password) {
  for (const probe of probes) {
    try {
      await new Packed(probe, password, 0).head(PROBED);
      return true;
    } catch (error) {
      if (/password|encrypt/i.test(error.message)) return false;
      if (!probe.zipCrypto) return true;
    }
  }
  return false;
}

async function describe(entry, archive, password, packed) {
  const file = {
    name: entry.filename,
    modified: entry.lastModDate?.getTime() || 0,
    place: null,
    refusal: null,
  };
  if (entry.symlink) return { ...file, refusal: "link" };
  if (entry.encrypted && password === null) return { ...file, refusal: "locked" };
  if (!entry.encrypted && entry.compressionMethod === STORED) file.place = await stored(entry, archive);
  file.place ??= packed(entry, entry.encrypted ? password : undefined);
  return file;
}

/** An uncompressed file lies in the archive as it is (APPNOTE §4.3.7); null where its heading says otherwise. */
async function stored({ offset, compressedSize, uncompressedSize }, archive) {
  const head = await archive.bytes(offset, offset + LOCAL_HEADER);
  const view = new DataView(head.buffer);
  if (head.length < LOCAL_HEADER || view.getUint32(0) !== 0x504b0304) return null;
  const start = offset + LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
  const isWhole = compressedSize === uncompressedSize && start + compressedSize <= archive.size;
  return isWhole ? archive.part([[start, start + compressedSize]]) : null;
}
