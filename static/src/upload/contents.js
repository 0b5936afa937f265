/**
 * Where the bytes of a file to be sent come from. `front` are bytes the file lacks and gets (survey/header.js).
 * Both kinds: `size`, `modified`, `blob()`, `isReadable()`, `damage` (the reason when it cannot be read).
 */

/** Bytes that lie in a file on this computer: a Blob is only an address of them. */
export class Direct {
  damage = "unreadable";

  constructor(blob, modified, front = null) {
    this.body = front ? new Blob([front, blob]) : blob;
    this.size = this.body.size;
    this.modified = modified;
  }

  async blob() {
    return this.body;
  }

  async isReadable() {
    try {
      await this.body.slice(0, 1).arrayBuffer();
      return true;
    } catch {
      return false;
    }
  }
}

/** Bytes that are compressed or locked in a ZIP: the worker that looked into it unpacks them. */
export class Packed {
  damage = "packed-damaged";

  /** @param read `(id, start?, end?) → Promise<Blob>` */
  constructor(read, id, size, modified, front = null) {
    Object.assign(this, { read, id, modified });
    this.front = new Blob(front ? [front] : []);
    this.size = this.front.size + size;
  }

  async blob() {
    return new Blob([this.front, await this.read(this.id)]);
  }

  async piece(start, end) {
    const { size } = this.front;
    const inner = end > size ? [await this.read(this.id, Math.max(0, start - size), end - size)] : [];
    return new Blob([this.front.slice(start, end), ...inner]);
  }

  async isReadable() {
    return true; // found out when its parcel is made up
  }
}

/** What tus-js-client reads a large packed file through; the last piece is kept for when the line breaks in it. */
export class PieceSource {
  #last = null;

  constructor(content) {
    this.content = content;
    this.size = content.size;
  }

  async slice(start, end) {
    const stop = Math.min(end, this.size);
    if (this.#last?.start !== start || this.#last.stop !== stop)
      this.#last = { start, stop, value: await this.content.piece(start, stop) };
    return { value: this.#last.value, done: stop >= this.size };
  }

  close() {
    this.#last = null;
  }
}
