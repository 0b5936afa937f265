import { Upload } from "tus-js-client";

import { FORBIDDEN, SIGNED_OUT, SOMEONE_ELSE, answerOf, judge } from "./answers.js";
import { PieceSource } from "./contents.js";
import { fingerprintOf } from "./memory.js";
import { Unreadable, bodyOf, findUnreadable } from "./parcels.js";

// Acknowledged every 16 MiB: a proxy that buffers loses at most that much when the line breaks, and on a slow
// line
// each request ends, and counts as activity, long before an idle session does.
const CHUNK = 16 * 2 ** 20;
const DELAYS = [1, 2, 4, 8, 15, 30];
const MAX_RESTARTS = 3;
// A line that dies without a word (sleep, another network) keeps a request open for minutes.
const SILENCE = 45_000;
const NOT_THEM = { other: SOMEONE_ELSE, nobody: SIGNED_OUT, barred: FORBIDDEN };

/**
 * One parcel on its way. Retries for ever while only the line is at fault; everything else is told to
 * `listener`:
 * `progressed(bytes)`, `finished()`, `halted(verdict)`, `refused(verdict)`, `unreadable(items)`, `changed()`.
 *
 * tus-js-client's own retries are off: on any 4xx to a HEAD it begins the upload again from nothing, so a
 * session
 * that ended would cost every byte already sent.
 */
export class Transfer {
  #upload = null;
  #timer = null;
  #alarm = null;
  #body = null;
  #stopped = true;
  #attempt = 0;
  #restarts = 0;
  #baseline = true;
  #csrfTried = false;

  constructor(parcel, { endpoint, batch, csrf, memory, listener }) {
    Object.assign(this, { parcel, endpoint, batch, csrf, memory, listener });
  }

  async start() {
    this.#stopped = false;
    this.parcel.fingerprint ??= await fingerprintOf(this.parcel);
    try {
      this.#body ??= await bodyOf(this.parcel);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return this.listener.unreadable(error.items);
    }
    if (this.#stopped) return;
    this.#upload ??= this.#newUpload();
    this.#begin();
  }

  pause() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#alarm);
    this.parcel.waitUntil = 0;
    this.#upload?.abort();
  }

  /** The computer has slept: whatever was open is dead, though the browser may not know it yet. */
  async begin() {
    if (this.#stopped || !this.#upload) return;
    clearTimeout(this.#timer);
    await this.#upload.abort();
    if (!this.#stopped) this.#begin();
  }

  retryNow() {
    if (!this.parcel.waitUntil) return;
    clearTimeout(this.#timer);
    this.#begin();
  }

  /** Frees the server's copy too; whether that succeeds is the server's expiry to settle. */
  cancel() {
    this.pause();
    this.memory.forget(this.parcel.fingerprint);
    this.#upload?.abort(true).catch(() => {});
  }

  #newUpload() {
    const known = this.memory.recall(this.parcel.fingerprint);
    this.parcel.batch = known?.batch ?? this.batch;
    return new Upload(this.#body, {
      ...(this.#body instanceof Blob
        ? {}
        : { fileReader: { openFile: async (content) => new PieceSource(content) } }),
      endpoint: known ? null : this.endpoint,
      uploadUrl: known?.url ?? null,
      metadata: this.#metadata(),
      chunkSize: CHUNK,
      retryDelays: null,
      storeFingerprintForResuming: false,
      fingerprint: async () => null,
      onBeforeRequest: (request) => this.#authorise(request),
      onUploadUrlAvailable: () => this.#located(),
      onProgress: (sent) => this.#progressed(sent),
      onSuccess: () => this.#finished(),
      onError: (error) => this.#failed(error),
    });
  }

  #metadata() {
    const { kind, items } = this.parcel;
    return { filename: kind === "file" ? items[0].name : "bundle", kind, batch: this.parcel.batch };
  }

  #begin() {
    this.parcel.waitUntil = 0;
    this.#baseline = true;
    this.#watch();
    this.#upload.start();
    this.listener.changed();
  }

  // Once a request's last byte is out, the server may take its time over them.
  #watch(sent = 1) {
    clearTimeout(this.#alarm);
    if (sent % CHUNK && sent !== this.parcel.size) this.#alarm = setTimeout(() => this.begin(), SILENCE);
  }

  // `start` is asynchronous inside tus-js-client and clears an `abort` that came before its first request.
  #authorise(request) {
    if (this.#stopped) throw new Error("paused");
    request.setHeader("X-CSRFToken", this.csrf.value);
  }

  #located() {
    this.parcel.location = this.#upload.url;
    // Without an endpoint a 4xx to a HEAD is an error to judge, not a reason to begin again.
    this.#upload.options.endpoint = null;
    if (this.parcel.fingerprint)
      this.memory.remember(this.parcel.fingerprint, this.#upload.url, this.parcel.batch);
  }

  #progressed(sent) {
    this.#watch(sent);
    const before = this.parcel.sent;
    this.parcel.sent = sent;
    const isFresh = !this.#baseline && sent > before;
    if (isFresh) this.#attempt = 0;
    this.#csrfTried = false;
    this.#baseline = false;
    this.listener.progressed(isFresh ? sent - before : 0);
  }

  #finished() {
    this.#stopped = true;
    clearTimeout(this.#alarm);
    this.parcel.sent = this.parcel.size;
    this.listener.finished();
  }

  async #failed(error) {
    if (this.#stopped) return;
    clearTimeout(this.#alarm);
    const verdict = judge(answerOf(error));
    if (verdict.kind === "lost") await this.#wait();
    else if (verdict.kind === "gone") await this.#again(verdict);
    else if (verdict.kind === "forbidden") await this.#reauthorise(verdict);
    else if (verdict.kind === "refused") this.listener.refused(verdict);
    else this.#halt(verdict);
  }

  async #wait() {
    const unreadable = this.#attempt > 0 ? await findUnreadable(this.parcel.items) : [];
    if (this.#stopped) return;
    if (unreadable.length) return this.listener.unreadable(unreadable);
    const seconds = DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)] * (0.8 + 0.4 * Math.random());
    this.parcel.waitUntil = Date.now() + seconds * 1000;
    this.#timer = setTimeout(() => this.#begin(), seconds * 1000);
    this.listener.changed();
  }

  // Uploads are there only for whoever began them.
  async #again(verdict) {
    const who = await this.csrf.refresh().catch(() => "same");
    if (this.#stopped) return;
    if (who !== "same") return this.#halt(NOT_THEM[who]);
    this.memory.forget(this.parcel.fingerprint);
    if (++this.#restarts > MAX_RESTARTS) return this.#halt(verdict);
    this.#upload = null;
    this.parcel.sent = 0;
    this.start();
  }

  async #reauthorise(verdict) {
    if (this.#csrfTried) return this.#halt(verdict);
    this.#csrfTried = true;
    const who = await this.csrf.refresh().catch(() => "nobody");
    if (this.#stopped) return;
    if (who === "same") this.#begin();
    else this.#halt(NOT_THEM[who] ?? verdict);
  }

  #halt(verdict) {
    this.#stopped = true;
    this.#csrfTried = false;
    this.#restarts = 0;
    this.listener.halted(verdict);
  }
}
