import { judge, reasonIn } from "./answers.js";

const FIRST = 400;
const LONGEST = 5000;
const MAX_UNKNOWN = 3;

/**
 * Asks for what became of each finished upload, one loop for all, with back-off while the server is still at
 * work.
 */
export class Results {
  #pending = new Set();
  #running = false;
  #delay = FIRST;

  /** @param listener `answered(parcel, files|null)`, `halted(verdict)` */
  constructor(listener) {
    this.listener = listener;
  }

  get size() {
    return this.#pending.size;
  }

  add(parcel) {
    this.#pending.add(parcel);
    this.#delay = FIRST;
    this.resume();
  }

  async resume() {
    if (this.#running) return;
    this.#running = true;
    while (this.#pending.size && this.#running) {
      if (!(await this.#round())) this.#delay = Math.min(LONGEST, this.#delay * 1.6);
      if (this.#pending.size) await pause(this.#delay);
    }
    this.#running = false;
  }

  async #round() {
    let answered = false;
    for (const parcel of [...this.#pending]) {
      const verdict = await this.#ask(parcel);
      if (verdict === "answered") answered = true;
      else if (verdict) return this.#halt(verdict);
    }
    return answered;
  }

  async #ask(parcel) {
    const { verdict, result } = await ask(`${parcel.location.replace(/\/$/, "")}/result`);
    if (result?.state === "done") return this.#settle(parcel, result.files);
    if (verdict?.kind === "halt") return verdict;
    if (verdict && verdict.kind !== "lost") return this.#unknown(parcel);
    return null;
  }

  // The answer may be asked for a moment before it can be found; only a lasting "not here" is believed.
  #unknown(parcel) {
    parcel.unknown = (parcel.unknown ?? 0) + 1;
    return parcel.unknown >= MAX_UNKNOWN ? this.#settle(parcel, null) : null;
  }

  #settle(parcel, files) {
    this.#pending.delete(parcel);
    this.listener.answered(parcel, files);
    return "answered";
  }

  #halt(verdict) {
    this.#running = false;
    this.listener.halted(verdict);
    return false;
  }
}

async function ask(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    const html = (response.headers.get("Content-Type") ?? "").startsWith("text/html");
    if (response.ok && !html) return { result: await response.json() };
    return {
      verdict: judge({
        status: response.status,
        html,
        reason: html ? null : reasonIn(await response.text()),
      }),
    };
  } catch {
    return { verdict: judge({ status: 0, html: false, reason: null }) };
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
