/** A compressed or encrypted file in a ZIP: it can be read from its beginning only. */
export class Packed {
  /** @param entry of zip.js @param {string|undefined} password */
  constructor(entry, password, id) {
    Object.assign(this, { entry, password, id });
    this.size = entry.uncompressedSize;
  }

  get content() {
    return { id: this.id };
  }

  async head(size) {
    const pieces = [];
    let got = 0;
    await this.#read((piece) => {
      pieces.push(piece);
      got += piece.length;
      return got < size;
    });
    const all = new Uint8Array(await new Blob(pieces).arrayBuffer());
    return all.subarray(0, size);
  }

  /** All of it. The browser keeps large Blobs on its own disk, not in this page's memory. */
  async whole() {
    const passage = new TransformStream();
    const blob = new Response(passage.readable).blob();
    blob.catch(() => {});
    await this.pour(passage.writable);
    return blob;
  }

  /**
   * Into a stream; fails where the file is not what the archive's index says: by its CRC-32, and by its length.
   * @param {WritableStream<Uint8Array>} writable
   */
  async pour(writable) {
    const writer = writable.getWriter();
    let got = 0;
    try {
      await this.#read(async (piece) => {
        got += piece.length;
        if (got > this.size) throw new Error("longer than the archive says");
        await writer.write(piece);
        return true;
      });
      if (got !== this.size) throw new Error("shorter than the archive says");
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => {});
      throw error;
    }
  }

  // zip.js is stopped by an error in what it writes into; which one comes out of it, browsers do not agree on.
  async #read(take) {
    let isEnough = false;
    const sink = new WritableStream({
      async write(piece) {
        isEnough = !(await take(piece));
        if (isEnough) throw new Error("enough");
      },
    });
    const { password } = this;
    await this.entry.getData(sink, { password, checkCrc32: true }).catch((error) => {
      if (!isEnough) throw error;
    });
  }
}
