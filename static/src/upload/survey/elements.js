/** Walks data elements (PS3.5 §7) as far as the bytes go. It decodes no values. */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const UNDEFINED = 0xffffffff;
const DEEPEST = 16;

export const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;

/** The bytes ended, or make no sense, before the element did. */
export class Incomplete extends Error {}

export class Walk {
  /** @param {Uint8Array} bytes */
  constructor(bytes, { explicit, little }) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    Object.assign(this, { explicit, little });
  }

  /**
   * The element that begins at `at`.
   * @returns {{tag: number, vr: string, start: number, length: number}} where its value is
   */
  element(at) {
    this.#require(at + 8);
    const tag = this.view.getUint16(at, this.little) * 0x10000 + this.view.getUint16(at + 2, this.little);
    if (!this.explicit || tag >= ITEM)
      return { tag, vr: "", start: at + 8, length: this.view.getUint32(at + 4, this.little) };
    const vr = String.fromCharCode(this.bytes[at + 4], this.bytes[at + 5]);
    if (!/^[A-Z]{2}$/.test(vr)) throw new Incomplete("no VR");
    if (!LONG.has(vr)) return { tag, vr, start: at + 8, length: this.view.getUint16(at + 6, this.little) };
    this.#require(at + 12);
    return { tag, vr, start: at + 12, length: this.view.getUint32(at + 8, this.little) };
  }

  /** Where the element after this one begins. */
  after({ start, length, vr, tag }, depth = 0) {
    if (length !== UNDEFINED) return start + length;
    if (depth > DEEPEST) throw new Incomplete("nested too deep");
    // UN of undefined length holds implicit VR (PS3.5 §6.2.2).
    const inner = vr === "UN" ? new Walk(this.bytes, { explicit: false, little: true }) : this;
    const end = tag === ITEM ? ITEM_END : SEQUENCE_END;
    let at = start;
    for (;;) {
      const element = inner.element(at);
      if (element.tag === end) return element.start;
      at = inner.after(element, depth + 1);
    }
  }

  /** Calls `see(element)` for each element from `at`, up to `end` or until it answers false. */
  each(at, end, see) {
    while (at < end) {
      const element = this.element(at);
      if (see(element) === false) return;
      at = this.after(element);
    }
  }

  text({ start, length }) {
    this.#require(start + length);
    return String.fromCharCode(...this.bytes.subarray(start, start + Math.min(length, 4096)));
  }

  value({ start, length }) {
    this.#require(start + length);
    return this.bytes.subarray(start, start + length);
  }

  #require(end) {
    if (end > this.bytes.length) throw new Incomplete("the bytes end here");
  }
}
