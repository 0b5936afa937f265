/**
 * Bytes that lie as they are somewhere in a file that the user chose: all of it, or stretches of it (a file in
 * a disc image, an uncompressed one in a ZIP). Nothing is copied; a Blob's slice is only an address.
 */
export class Place {
  #parent;
  #ranges;

  /** @param {Blob} blob @param {number|null} index of the chosen file; null for what was unpacked here */
  constructor(blob, index = null, parent = null, ranges = null) {
    this.blob = blob;
    this.index = index;
    this.#parent = parent;
    this.#ranges = ranges;
  }

  get size() {
    return this.blob.size;
  }

  /** @returns {Promise<Uint8Array>} fewer bytes where the file ends */
  async bytes(start, end) {
    return new Uint8Array(await this.blob.slice(start, end).arrayBuffer());
  }

  head(size) {
    return this.bytes(0, size);
  }

  /** The stretches `[start, end)` one after the other. */
  part(ranges) {
    const slices = ranges.map(([start, end]) => this.blob.slice(start, end));
    return new Place(slices.length === 1 ? slices[0] : new Blob(slices), this.index, this, ranges);
  }

  async whole() {
    return this.blob;
  }

  /** What the page needs to find the bytes again. */
  get content() {
    if (this.index === null) return { blob: this.blob };
    return this.#parent ? { index: this.index, ranges: this.#absolute() } : { index: this.index };
  }

  #absolute() {
    const outer = this.#parent.#parent ? this.#parent.#absolute() : [[0, this.#parent.size]];
    return this.#ranges.flatMap((range) => within(outer, range));
  }
}

/** Where the bytes `[start, end)` of the stretches lie. */
function within(outer, [start, end]) {
  const found = [];
  let position = 0;
  for (const [from, to] of outer) {
    const first = Math.max(start, position);
    const last = Math.min(end, position + to - from);
    if (first < last) found.push([from + first - position, from + last - position]);
    position += to - from;
  }
  return found;
}
