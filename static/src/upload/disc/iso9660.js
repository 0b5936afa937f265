import { DEEPEST_FOLDER, MOST_FILES } from "../survey/limits.js";
import { DiscRefused, SECTOR } from "./image.js";
import { rockRidge } from "./rock_ridge.js";

const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const END = 255;
const LARGEST_FOLDER = 64 * 2 ** 20;
const DIRECTORY = 0x02;
const CONTINUED = 0x80;

/**
 * The files of an ISO 9660 volume (ECMA-119), with their long names: Rock Ridge (IEEE P1282) where there are,
 * else Joliet, else the short ones.
 */
export async function readIso(place) {
  const volumes = await descriptors(place);
  const primary = volumes.find(({ type }) => type === PRIMARY);
  if (!primary) throw new DiscRefused("disc-damaged");
  const files = await new Volume(place, primary).files();
  const joliet = volumes.find(({ type, level }) => type === SUPPLEMENTARY && level);
  if (!joliet || files.some(({ hasLongName }) => hasLongName)) return files;
  return new Volume(place, joliet).files().catch(() => files);
}

/** The volume descriptors from sector 16 on (ECMA-119 §8). */
async function descriptors(place) {
  const found = [];
  for (let sector = 16; sector < 80; sector++) {
    const bytes = await place.bytes(sector * SECTOR, (sector + 1) * SECTOR);
    if (bytes.length < SECTOR || String.fromCharCode(...bytes.subarray(1, 6)) !== "CD001") break;
    if (bytes[0] === END) break;
    if (bytes[0] === PRIMARY || bytes[0] === SUPPLEMENTARY) found.push(describe(bytes));
  }
  return found;
}

function describe(bytes) {
  const view = new DataView(bytes.buffer);
  const escape = String.fromCharCode(...bytes.subarray(88, 91));
  return {
    type: bytes[0],
    level: /^%\/[@CE]$/.test(escape), // Joliet: UCS-2 at level 1, 2 or 3
    block: view.getUint16(128, true) || SECTOR,
    root: record(view, 156),
  };
}

/** A directory record (ECMA-119 §9.1). */
function record(view, at) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, view.getUint8(at));
  return {
    bytes,
    start: view.getUint32(at + 2, true) + view.getUint8(at + 1),
    length: view.getUint32(at + 10, true),
    time: timeOf(bytes.subarray(18, 25)),
    flags: view.getUint8(at + 25),
    name: bytes.subarray(33, 33 + view.getUint8(at + 32)),
  };
}

function timeOf([year, month, day, hour, minute, second]) {
  return Date.UTC(1900 + year, month - 1, day, hour, minute, second) || 0;
}

class Volume {
  #seen = new Set();
  #files = [];

  constructor(place, descriptor) {
    Object.assign(this, { place, descriptor });
  }

  async files() {
    this.skip = await this.#rockRidgeSkip();
    await this.#folder(this.descriptor.root, "", 0);
    return this.#files;
  }

  // The first record of the root says how many bytes to skip in every other (SUSP §5.3).
  async #rockRidgeSkip() {
    if (this.descriptor.level) return null;
    const [self] = await this.#records({ ...this.descriptor.root, length: SECTOR });
    if (!self) return null;
    const area = self.bytes.subarray(33 + self.name.length + (self.name.length % 2 ? 0 : 1));
    return area[0] === 0x53 && area[1] === 0x50 && area[4] === 0xbe && area[5] === 0xef ? area[6] : null;
  }

  async #folder(folder, path, depth) {
    // A folder that is its own ancestor ends here: each is read once.
    if (depth > DEEPEST_FOLDER || this.#seen.has(folder.start)) return;
    this.#seen.add(folder.start);
    let parts = [];
    for (const each of (await this.#records(folder)).slice(2)) {
      const { name, isLong, child, isHidden } = await this.#nameOf(each);
      if (isHidden) continue;
      if (child !== null || each.flags & DIRECTORY) {
        await this.#folder(child === null ? each : await this.#moved(child), `${path}${name}/`, depth + 1);
        continue;
      }
      parts.push(this.#range(each));
      if (each.flags & CONTINUED) continue;
      this.#add({ name: path + name, modified: each.time, ranges: parts, hasLongName: isLong });
      parts = [];
    }
  }

  #add(file) {
    if (this.#files.length >= MOST_FILES) throw new DiscRefused("too-many");
    this.#files.push(file);
  }

  // A file of more than 4 GB has several records, one after the other (ECMA-119 §6.5.1).
  #range({ start, length }) {
    const from = start * this.descriptor.block;
    return [from, from + length];
  }

  /** A folder that Rock Ridge moved up because it lay too deep: its own first record knows its length. */
  async #moved(start) {
    const [self] = await this.#records({ start, length: SECTOR });
    return self ?? { start, length: 0 };
  }

  async #records({ start, length }) {
    if (length > LARGEST_FOLDER) throw new DiscRefused("disc-damaged");
    const from = start * this.descriptor.block;
    const bytes = await this.place.bytes(from, from + length);
    const view = new DataView(bytes.buffer);
    const found = [];
    let at = 0;
    while (at < bytes.length) {
      const size = bytes[at];
      // No record crosses a sector: a zero means that the next begins with the next sector.
      if (size < 34 || at + size > bytes.length) at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      else {
        found.push(record(view, at));
        at += size;
      }
    }
    return found;
  }

  async #nameOf({ name, bytes }) {
    const short = { name: this.#short(name), isLong: false, child: null, isHidden: false };
    if (this.skip === null) return short;
    const start = 33 + name.length + (name.length % 2 ? 0 : 1) + this.skip;
    const long = await rockRidge(
      bytes.subarray(start),
      (from, to) => this.place.bytes(from, to),
      this.descriptor.block,
    );
    return {
      name: long.name || short.name,
      isLong: Boolean(long.name),
      child: long.child,
      isHidden: long.isRelocated,
    };
  }

  #short(name) {
    const text = this.descriptor.level
      ? new TextDecoder("utf-16be").decode(name)
      : new TextDecoder("windows-1252").decode(name);
    return text.replace(/\.?;\d+$/, "");
  }
}
