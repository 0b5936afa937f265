import { DiscRefused, readDisc, recognise } from "../disc/image.js";
import { LARGEST_INDEX, readDirectory } from "./dicomdir.js";
import { missingHeader, readHeader } from "./header.js";
import { DEEPEST_NESTING, HEADS, LARGEST_INNER, MOST_FILES } from "./limits.js";
import { cleanPath, folderOf, isLeftover, sameOnDisc } from "./names.js";
import { Packed } from "./packed.js";
import { Place } from "./place.js";
import { sniff } from "./sniff.js";
import { ArchiveRefused, readArchive } from "./zip.js";

const AT_ONCE = 8;

/**
 * Looks through what was chosen before anything is sent: into folders, ZIPs and disc images, at the first bytes
 * of each file. It reports every file either as `found`, with whose it is, or as `leftOut`, with the reason.
 */
export class Survey {
  #seen = new Set();
  #directories = [];
  #count = 0;

  /**
   * @param {object} listener `found(file)`, `leftOut({path, size, reason})`, `read(files)`,
   *   `ask(name, isWrong) → Promise<string|null>` for a password, `index({path, missing, outside})`
   * @param {Map<number, Packed>} shelf keeps what can be read only here, by the ids it is reported under
   */
  constructor(listener, shelf, { mostFiles = MOST_FILES, largestInner = LARGEST_INNER } = {}) {
    Object.assign(this, { listener, shelf, mostFiles, largestInner });
  }

  /** @param {{index: number, file: File, path: string}[]} files */
  async add(files) {
    await each(files, ({ index, file, path }) =>
      this.#sift({ path, modified: file.lastModified, place: new Place(file, index), depth: 0 }),
    );
  }

  /** All files have been seen: what the indexes of discs name is compared with them. */
  async finish() {
    for (const directory of this.#directories) await this.#compare(directory);
  }

  async #sift(unit) {
    if (++this.#count > this.mostFiles) return this.#leaveOut(unit, "too-many");
    this.listener.read(1);
    this.#seen.add(sameOnDisc(unit.path));
    if (isLeftover(unit.path)) return this.#leaveOut(unit, "system");
    try {
      await this.#look(unit, sniff(await unit.place.head(HEADS[0])));
    } catch (error) {
      this.#leaveOut(unit, reasonOf(error, unit));
    }
  }

  async #look(unit, kind) {
    if (kind === "dicom" || kind === "bare") return this.#image(unit, kind);
    if (kind === "zip") return this.#open(unit, this.#archive);
    const disc = kind === "empty" ? null : await this.#disc(unit);
    if (disc) return this.#open(unit, (place, inner) => this.#discFiles(place, inner, disc));
    return this.#leaveOut(unit, kind);
  }

  async #image(unit, kind) {
    const header = await readHeader((size) => unit.place.head(size));
    if (header?.isDirectory) return this.#directories.push(unit);
    if (kind === "bare" && !header?.study) return this.#leaveOut(unit, "other");
    const { path, modified, place } = unit;
    const front = header && missingHeader(header);
    this.listener.found({
      path: cleanPath(path),
      size: place.size,
      modified,
      content: place.content,
      header,
      front,
    });
    return null;
  }

  async #disc({ place, depth }) {
    if (place instanceof Place) return recognise(place);
    // A compressed file can be read from its beginning only; a disc shows itself in its first sectors.
    if (depth >= DEEPEST_NESTING || place.size > this.largestInner) return null;
    return recognise(new Place(new Blob([await place.head(2 ** 17)])));
  }

  async #open(unit, list) {
    if (unit.depth >= DEEPEST_NESTING) return this.#leaveOut(unit, "nested");
    if (!(unit.place instanceof Place) && unit.place.size > this.largestInner)
      return this.#leaveOut(unit, "inner-large");
    const place = unit.place instanceof Place ? unit.place : new Place(await unit.place.whole());
    const files = await list.call(this, place, unit);
    await each(files, ({ name, modified, place: inner, refusal }) => {
      const child = { path: `${unit.path}/${name}`, modified, place: inner, depth: unit.depth + 1 };
      if (refusal) return this.#leaveOut(child, isLeftover(child.path) ? "system" : refusal);
      return this.#sift(child);
    });
    return null;
  }

  #archive(place, { path }) {
    const packed = (entry, password) => {
      const id = this.shelf.size + 1;
      const made = new Packed(entry, password, id);
      this.shelf.set(id, made);
      return made;
    };
    return readArchive(place, (isWrong) => this.listener.ask(cleanPath(path), isWrong), packed);
  }

  async #discFiles(place, _unit, kind) {
    const files = await readDisc(place, kind);
    return files.map(({ name, modified, ranges }) => {
      const isWhole = ranges.every(([start, end]) => start <= end && end <= place.size);
      return {
        name,
        modified,
        place: isWhole ? place.part(ranges) : null,
        refusal: isWhole ? null : "disc-cut",
      };
    });
  }

  #leaveOut({ path, place }, reason) {
    this.listener.leftOut({ path: cleanPath(path), size: place?.size ?? 0, reason });
    return null;
  }

  async #compare(unit) {
    this.#leaveOut(unit, "index");
    if (unit.place.size > LARGEST_INDEX) return;
    try {
      const { inside, outside } = readDirectory(await unit.place.head(LARGEST_INDEX));
      const folder = folderOf(unit.path);
      const missing = inside.filter((path) => !this.#seen.has(sameOnDisc(folder + path)));
      this.listener.index({
        path: cleanPath(unit.path),
        missing: missing.map(cleanPath),
        outside: outside.map((path) => path.slice(0, 200)),
      });
    } catch {
      this.listener.index({ path: cleanPath(unit.path), missing: [], outside: [], isDamaged: true });
    }
  }
}

/** A few at once: most of the time is waiting for the disk. */
async function each(list, act) {
  let next = 0;
  const work = async () => {
    while (next < list.length) await act(list[next++]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function reasonOf(error, unit) {
  if (error instanceof ArchiveRefused || error instanceof DiscRefused) return error.code;
  // What lies in an archive was damaged there; what lies on this computer could not be read.
  return unit.depth ? "packed-damaged" : "unreadable";
}
