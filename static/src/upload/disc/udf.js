import { DEEPEST_FOLDER, MOST_FILES } from "../survey/limits.js";
import { DiscRefused, SECTOR } from "./image.js";

const ANCHOR = 2;
const POINTER_ANCHORS = [256, 512];
const PARTITION = 5;
const LOGICAL_VOLUME = 6;
const TERMINATING = 8;
const IDENTIFIER = 257;
const FILE_ENTRY = 261;
const EXTENDED_ENTRY = 266;
const LARGEST_FOLDER = 64 * 2 ** 20;

/**
 * The files of a UDF volume (ECMA-167, OSTA UDF 1.02 to 2.01) with plain partitions, as drives and burning
 * programs write them on DVDs. Sparable, virtual and metadata partitions are refused: they need their own maps.
 */
export async function readUdf(place) {
  const volume = new Volume(place);
  await volume.open();
  return volume.files();
}

class Volume {
  #files = [];
  #seen = new Set();

  constructor(place) {
    this.place = place;
    this.partitions = new Map();
    this.maps = [];
  }

  async open() {
    const anchor = await this.#anchor();
    const sectors = Math.min(anchor.getUint32(16, true) / SECTOR, 256);
    const first = anchor.getUint32(20, true);
    let set = null;
    for (let sector = first; sector < first + sectors; sector++) {
      const view = await this.#sector(sector);
      const tag = tagOf(view);
      if (tag === TERMINATING) break;
      if (tag === PARTITION) this.partitions.set(view.getUint16(22, true), view.getUint32(188, true));
      if (tag === LOGICAL_VOLUME) set = this.#logicalVolume(view);
    }
    if (!set || !this.maps.length) throw new DiscRefused("disc-damaged");
    this.root = longAddress(await this.#block(set.block, set.partition), 400);
  }

  async #anchor() {
    for (const sector of [...POINTER_ANCHORS, Math.floor(this.place.size / SECTOR) - 1]) {
      const view = await this.#sector(sector);
      if (tagOf(view) === ANCHOR) return view;
    }
    throw new DiscRefused("disc-damaged");
  }

  /** Where the file set is (ECMA-167 3/10.6); its partition maps say which partition a number means. */
  #logicalVolume(view) {
    const count = view.getUint32(268, true);
    let at = 440;
    for (let index = 0; index < count && at + 6 <= view.byteLength; index++) {
      if (view.getUint8(at) !== 1) throw new DiscRefused("disc-udf");
      this.maps.push(view.getUint16(at + 4, true));
      at += view.getUint8(at + 1);
    }
    return longAddress(view, 248);
  }

  async files() {
    await this.#folder(this.root, "", 0);
    return this.#files;
  }

  async #folder(address, path, depth) {
    const key = `${address.partition}:${address.block}`;
    if (depth > DEEPEST_FOLDER || this.#seen.has(key)) return;
    this.#seen.add(key);
    const entry = await this.#entry(address);
    if (entry.size > LARGEST_FOLDER) throw new DiscRefused("disc-damaged");
    const bytes = new Uint8Array(await this.place.part(entry.ranges).blob.arrayBuffer());
    for (const child of identifiers(bytes)) {
      if (child.isFolder) await this.#folder(child.address, `${path}${child.name}/`, depth + 1);
      else await this.#file(child, path);
    }
  }

  async #file({ address, name }, path) {
    if (this.#files.length >= MOST_FILES) throw new DiscRefused("too-many");
    const { ranges, modified, isFile } = await this.#entry(address);
    if (isFile) this.#files.push({ name: path + name, modified, ranges });
  }

  /** A file entry (ECMA-167 4/14.9, 4/14.17): where the file's bytes lie. */
  async #entry(address) {
    const view = await this.#block(address.block, address.partition);
    const tag = tagOf(view);
    if (tag !== FILE_ENTRY && tag !== EXTENDED_ENTRY) throw new DiscRefused("disc-damaged");
    const extended = tag === EXTENDED_ENTRY;
    const size = Number(view.getBigUint64(56, true));
    const lengths = extended ? 208 : 168;
    const start = lengths + 8 + view.getUint32(lengths, true);
    const end = Math.min(start + view.getUint32(lengths + 4, true), view.byteLength);
    const kind = view.getUint16(34, true) & 7;
    const type = view.getUint8(27);
    return {
      size,
      isFile: type === 5 || type === 249,
      modified: stamp(view, extended ? 92 : 84),
      ranges: cut(this.#ranges(view, start, end, kind, address), size),
    };
  }

  #ranges(view, start, end, kind, address) {
    // Small files may lie in the entry itself.
    if (kind === 3) return [[this.#offset(address) + start, this.#offset(address) + end]];
    const found = [];
    const step = kind === 0 ? 8 : 16;
    if (kind > 1) throw new DiscRefused("disc-udf");
    for (let at = start; at + step <= end; at += step) {
      const length = view.getUint32(at, true) & 0x3fffffff;
      if (!length) break;
      if (view.getUint32(at, true) >>> 30) throw new DiscRefused("disc-udf"); // not recorded, or goes on elsewhere
      const partition = kind === 0 ? address.partition : view.getUint16(at + 8, true);
      const from = this.#offset({ block: view.getUint32(at + 4, true), partition });
      found.push([from, from + length]);
    }
    return found;
  }

  #offset({ block, partition }) {
    const first = this.partitions.get(this.maps[partition]);
    if (first === undefined) throw new DiscRefused("disc-damaged");
    return (first + block) * SECTOR;
  }

  #block(block, partition) {
    return this.#sector(this.#offset({ block, partition }) / SECTOR);
  }

  async #sector(sector) {
    const bytes = await this.place.bytes(sector * SECTOR, (sector + 1) * SECTOR);
    if (bytes.length < SECTOR) throw new DiscRefused("disc-damaged");
    return new DataView(bytes.buffer);
  }
}

const tagOf = (view) => view.getUint16(0, true);

/** ECMA-167 4/14.14.2 */
function longAddress(view, at) {
  return { block: view.getUint32(at + 4, true), partition: view.getUint16(at + 8, true) };
}

/** ECMA-167 1/7.3, without its time zone: it only tells two versions of a file apart. */
function stamp(view, at) {
  const [month, day, hour, minute, second] = Array.from({ length: 5 }, (_, index) =>
    view.getUint8(at + 4 + index),
  );
  return Date.UTC(view.getInt16(at + 2, true), month - 1, day, hour, minute, second) || 0;
}

function cut(ranges, size) {
  let left = size;
  return ranges.flatMap(([start, end]) => {
    const length = Math.min(end - start, left);
    left -= length;
    return length > 0 ? [[start, start + length]] : [];
  });
}

/** The names in a folder (ECMA-167 4/14.4), without the parent's and deleted ones. */
function* identifiers(bytes) {
  const view = new DataView(bytes.buffer);
  let at = 0;
  while (at + 38 <= bytes.length && view.getUint16(at, true) === IDENTIFIER) {
    const flags = bytes[at + 18];
    const length = bytes[at + 19];
    const start = at + 38 + view.getUint16(at + 36, true);
    if (!(flags & 0x0c))
      yield {
        isFolder: Boolean(flags & 2),
        address: longAddress(view, at + 20),
        name: name(bytes.subarray(start, start + length)),
      };
    at = Math.ceil((start + length) / 4) * 4;
  }
}

/** OSTA compressed Unicode (UDF 2.01 §2.1.1). */
function name(bytes) {
  if (bytes[0] === 16) return new TextDecoder("utf-16be").decode(bytes.subarray(1));
  return Array.from(bytes.subarray(1), (byte) => String.fromCharCode(byte)).join("");
}
