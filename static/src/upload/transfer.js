import { Upload } from "tus-js-client";

import { answerOf, judge } from "./answers.js";
import { fingerprintOf } from "./memory.js";
import { bodyOf, findUnreadable } from "./parcels.js";

// Acknowledged every 16 MiB: a proxy that buffers loses at most that much when the line breaks, and on a slow
// line
// each request ends, and counts as activity, long before an idle session does.
const CHUNK = 16 * 2 ** 20;
const DELAYS = [1, 2, 4, 8, 15, 30];
const MAX_RESTARTS = 3;

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
    if (this.#stopped) return;
    this.#upload ??= this.#newUpload();
    this.#begin();
  }

  pause() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.parcel.waitUntil = 0;
    this.#upload?.abort();
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
    return new Upload(bodyOf(this.parcel), {
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
    this.#upload.start();
    this.listener.changed();
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
    this.parcel.sent = this.parcel.size;
    this.listener.finished();
  }

  async #failed(error) {
    if (this.#stopped) return;
    const verdict = judge(answerOf(error));
    if (verdict.kind === "lost") await this.#wait();
    else if (verdict.kind === "gone") this.#again(verdict);
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

  #again(verdict) {
    this.memory.forget(this.parcel.fingerprint);
    if (++this.#restarts > MAX_RESTARTS) return this.#halt(verdict);
    this.#upload = null;
    this.parcel.sent = 0;
    this.start();
  }

  async #reauthorise(verdict) {
    if (this.#csrfTried) return this.#halt(verdict);
    this.#csrfTried = true;
    const isFresh = await this.csrf.refresh().catch(() => false);
    if (this.#stopped) return;
    if (isFresh) this.#begin();
    else this.#halt(verdict);
  }

  #halt(verdict) {
    this.#stopped = true;
    this.#csrfTried = false;
    this.#restarts = 0;
    this.listener.halted(verdict);
  }
}
