/**
 * Answers the page's requests for what only the worker can unpack. A large file is unpacked once, from front to
 * back, as it is sent; only a request for what lies further in front begins it again.
 */
export class Readings {
  #open = new Map();

  constructor(shelf, post) {
    this.shelf = shelf;
    this.post = post;
  }

  /** @param {{ticket: number, id: number, start?: number, end?: number}} wanted all of it without `start` */
  async answer({ ticket, id, start, end }) {
    try {
      const packed = this.shelf.get(id);
      const blob = start === undefined ? await packed.whole() : await this.#piece(packed, start, end);
      this.post({ kind: "data", ticket, blob });
    } catch (error) {
      this.#close(id);
      this.post({ kind: "data", ticket, error: String(error?.message ?? error) });
    }
  }

  async #piece(packed, start, end) {
    let reading = this.#open.get(packed.id);
    if (!reading || reading.position > start) {
      this.#close(packed.id);
      reading = new Reading(packed);
      this.#open.set(packed.id, reading);
    }
    const blob = await reading.take(start, end);
    if (end >= packed.size) this.#close(packed.id);
    return blob;
  }

  #close(id) {
    this.#open.get(id)?.stop();
    this.#open.delete(id);
  }
}

class Reading {
  #rest = new Uint8Array(0);

  constructor(packed) {
    const passage = new TransformStream(undefined, undefined, new CountQueuingStrategy({ highWaterMark: 4 }));
    this.reader = passage.readable.getReader();
    this.position = 0;
    packed.pour(passage.writable).catch(() => {}); // the reader's end fails with the same error
  }

  async take(start, end) {
    await this.#upTo(start, () => {});
    const pieces = [];
    await this.#upTo(end, (piece) => pieces.push(piece));
    return new Blob(pieces);
  }

  async #upTo(end, take) {
    while (this.position < end) {
      if (!this.#rest.length) {
        const { value, done } = await this.reader.read();
        if (done) throw new Error("shorter than the archive says");
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, end - this.position);
      this.#rest = this.#rest.subarray(piece.length);
      this.position += piece.length;
      take(piece);
    }
  }

  stop() {
    this.reader.cancel().catch(() => {});
  }
}
