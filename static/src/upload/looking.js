import { t } from "../i18n.js";
import { Direct, Packed } from "./contents.js";

const PER_MESSAGE = 500;
/** How long listing may keep the page from answering (ms). */
const TURN = 20;

/** One drop, looked through by a worker of its own, which lives on while the page must read from it. */
export class Looking {
  isDone = false;
  isListed = false;
  read = 0;
  listed = 0;
  #files = [];
  #tickets = new Map();
  #lastTicket = 0;
  #holds = false;

  /** @param listener `found(files)`, `leftOut(files)`, `index(index)`, `ask(question)`, `changed()` */
  constructor(listener, worker = newWorker()) {
    this.listener = listener;
    this.worker = worker;
    worker.addEventListener("message", ({ data }) => this.#heard(data));
    worker.addEventListener("error", () => this.#broke());
  }

  /** @param {AsyncIterable<{file: File, path: string}>} chosen */
  async take(chosen) {
    let some = [];
    let since = performance.now();
    for await (const each of chosen) {
      // Asked for its size for the first time, Chromium looks a file up on this thread: half a millisecond each.
      if (each.file?.size >= 0) some.push({ index: this.#files.push(each.file) - 1, ...each });
      else this.listener.leftOut([{ path: each.path, size: 0, reason: "unreadable" }]);
      if (some.length < PER_MESSAGE && performance.now() - since < TURN) continue;
      some = this.#hand(some);
      await breath();
      if (this.isDone) return;
      since = performance.now();
    }
    this.#hand(some);
    this.isListed = true;
    this.worker.postMessage({ kind: "end" });
  }

  stop() {
    this.worker.terminate();
    this.isDone = true;
  }

  #hand(files) {
    this.listed += files.length;
    this.worker.postMessage({ kind: "files", files });
    this.listener.changed();
    return [];
  }

  #heard(data) {
    if (data.kind === "progress") this.#progressed(data);
    if (data.kind === "index") this.listener.index(data);
    if (data.kind === "ask") this.#ask(data);
    if (data.kind === "data") this.#answered(data);
    if (data.kind === "done") this.#finish();
  }

  #progressed({ found, leftOut, read }) {
    this.read += read;
    this.listener.found(found.map((file) => this.#withContent(file)));
    this.listener.leftOut(leftOut);
    this.listener.changed();
  }

  #withContent({ content, size, modified, front, ...file }) {
    const { index, ranges, blob, id } = content;
    if (id) this.#holds = true;
    const made = id
      ? new Packed((...wanted) => this.#read(...wanted), id, size, modified, front)
      : new Direct(blob ?? sliced(this.#files[index], ranges), modified, front);
    return { ...file, size: made.size, content: made, isCompleted: Boolean(front) };
  }

  #ask({ id, name, isWrong }) {
    const answer = (password) => this.worker.postMessage({ kind: "password", id, password });
    this.listener.ask({ name, isWrong, answer });
  }

  #read(id, start, end) {
    const ticket = ++this.#lastTicket;
    this.worker.postMessage({ kind: "read", ticket, id, start, end });
    return new Promise((resolve, reject) => this.#tickets.set(ticket, { resolve, reject }));
  }

  #answered({ ticket, blob, error }) {
    const { resolve, reject } = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (blob) resolve(blob);
    else reject(new Error(error));
  }

  /** The worker has died, most likely of memory: what it had not come to is named as one. */
  #broke() {
    const number = Math.max(0, this.listed - this.read);
    if (number)
      this.listener.leftOut([{ path: t("{number} more files", { number }), size: 0, reason: "unreadable" }]);
    this.#finish();
  }

  #finish() {
    this.isDone = true;
    if (!this.#holds) this.worker.terminate();
    this.listener.changed();
  }
}

/** A long list must not keep the page from answering. */
const breath = () => new Promise((resolve) => setTimeout(resolve));

function sliced(file, ranges) {
  if (!ranges) return file;
  const slices = ranges.map(([start, end]) => file.slice(start, end));
  return slices.length === 1 ? slices[0] : new Blob(slices);
}

function newWorker() {
  return new Worker(new URL("./survey/worker.js", import.meta.url), { type: "module" });
}
