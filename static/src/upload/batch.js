import { t } from "../i18n.js";
import { Memory } from "./memory.js";
import { pack, toItem } from "./parcels.js";
import { pair } from "./pairing.js";
import { Rate } from "./rate.js";
import { Results } from "./results.js";
import { Studies } from "./studies.js";
import { tally } from "./tally.js";
import { Transfer } from "./transfer.js";
import { reasonText } from "./words.js";

const PARALLEL = 3;

/**
 * Everything chosen on this page, from the first file to the last answer. Tells `changed()` whenever
 * something moved.
 * A parcel's states: waiting, active, sent (complete, no answer yet), answered, cancelled.
 */
export class Batch {
  items = [];
  parcels = [];
  problem = null;
  isPaused = false;
  rate = new Rate();
  #transfers = new Map();

  constructor({ endpoint, csrf, changed }) {
    Object.assign(this, { endpoint, csrf, changed });
    this.id = newId();
    this.memory = new Memory(endpoint);
    this.studies = new Studies(endpoint, changed);
    this.results = new Results({
      answered: (parcel, files) => this.#answered(parcel, files),
      halted: (problem) => this.halt(problem),
    });
  }

  /** @param files of the review */
  add(files) {
    const items = files.map(toItem);
    this.items = this.items.concat(items);
    this.parcels.push(...pack(items));
    this.#fill();
  }

  /** Sends again what was refused, as new uploads. */
  retryRefused() {
    const refused = this.items.filter(({ outcome }) => outcome === "refused");
    refused.forEach((item) => Object.assign(item, { outcome: null, reason: "", message: "" }));
    const attempt = 1 + Math.max(0, ...this.parcels.map((parcel) => parcel.attempt));
    this.parcels.push(...pack(refused).map((parcel) => Object.assign(parcel, { attempt })));
    this.#fill();
  }

  pause() {
    this.isPaused = true;
    this.rate.reset();
    for (const [parcel, transfer] of this.#transfers) {
      transfer.pause();
      parcel.state = "waiting";
    }
    this.changed();
  }

  resume() {
    this.isPaused = false;
    this.problem = null;
    this.#transfers.forEach((transfer) => transfer.retryNow());
    this.results.resume();
    this.#fill();
  }

  retryNow() {
    this.#transfers.forEach((transfer) => transfer.retryNow());
  }

  /** After sleep every open request is dead. */
  wakeUp() {
    this.#transfers.forEach((transfer) => transfer.begin());
  }

  /** Gives up what has not been sent; what was sent completely stays. */
  cancel() {
    const left = this.parcels.filter(({ state }) => state === "waiting" || state === "active");
    for (const parcel of left) {
      this.#transfers.get(parcel)?.cancel();
      this.#transfers.delete(parcel);
      parcel.state = "cancelled";
      parcel.items.forEach((item) => {
        item.outcome = "cancelled";
      });
    }
    this.isPaused = false;
    this.problem = null;
    this.#fill();
  }

  /** @returns {"idle"|"uploading"|"processing"|"done"} */
  get state() {
    if (!this.items.length) return "idle";
    if (this.parcels.some(({ state }) => state === "waiting" || state === "active")) return "uploading";
    return this.results.size ? "processing" : "done";
  }

  get active() {
    return this.parcels.filter(({ state }) => state === "active");
  }

  /** When the first of the waiting transfers tries again (ms since 1970), if all of them wait. */
  get waitUntil() {
    const { active } = this;
    const waits = active.map((parcel) => parcel.waitUntil).filter(Boolean);
    return waits.length && waits.length === active.length ? Math.min(...waits) : 0;
  }

  tally() {
    return tally(this.items);
  }

  #fill() {
    while (!this.isPaused && !this.problem && this.active.length < PARALLEL) {
      const next = this.parcels.find(({ state }) => state === "waiting");
      if (!next) break;
      this.#send(next);
    }
    if (this.state === "done") this.memory.forgetAll();
    this.changed();
  }

  #send(parcel) {
    parcel.state = "active";
    if (!this.#transfers.has(parcel)) this.#transfers.set(parcel, this.#newTransfer(parcel));
    this.#transfers.get(parcel).start();
  }

  #newTransfer(parcel) {
    const { endpoint, csrf, memory, id: batch } = this;
    return new Transfer(parcel, {
      endpoint,
      batch,
      csrf,
      memory,
      listener: {
        changed: () => this.changed(),
        progressed: (bytes) => {
          this.rate.add(bytes);
          this.changed();
        },
        finished: () => this.#finished(parcel),
        refused: (verdict) => this.#refused(parcel, verdict),
        unreadable: (items) => this.#repack(parcel, items),
        halted: (problem) => this.halt(problem),
      },
    });
  }

  #finished(parcel) {
    this.#transfers.delete(parcel);
    parcel.state = "sent";
    this.results.add(parcel);
    this.#fill();
  }

  #refused(parcel, { code, message }) {
    this.#transfers.get(parcel)?.cancel();
    this.#transfers.delete(parcel);
    parcel.state = "answered";
    parcel.items.forEach((item) => refuse(item, code, message));
    this.#fill();
  }

  #repack(parcel, unreadable) {
    this.#transfers.get(parcel)?.cancel();
    this.#transfers.delete(parcel);
    const lost = new Set(unreadable);
    const rest = pack(parcel.items.filter((item) => !lost.has(item)));
    this.parcels.splice(this.parcels.indexOf(parcel), 1, ...rest);
    this.#refuseUnreadable(unreadable);
    this.#fill();
  }

  #refuseUnreadable(items) {
    for (const item of items) {
      item.parcel = null;
      refuse(item, item.content.damage, reasonText(item.content.damage));
    }
  }

  /** Stops until the user does something about `problem`. */
  halt(problem) {
    this.pause();
    this.isPaused = false;
    this.problem = problem;
    this.changed();
  }

  #answered(parcel, files) {
    parcel.state = "answered";
    pair(parcel.items, files ?? []).forEach(([item, file]) => settle(item, file));
    if (parcel.items.some(({ outcome }) => outcome !== "refused")) this.studies.follow(parcel.batch);
    this.#fill();
  }
}

function settle(item, answer) {
  if (!answer)
    return refuse(
      item,
      "no-answer",
      t("The server keeps no answer for this file. Look in the list of studies before sending it again."),
    );
  if (answer.outcome === "refused") return refuse(item, answer.reason, answer.message || answer.reason);
  item.outcome = answer.outcome;
  item.study = answer.study_instance_uid || item.study;
}

function refuse(item, reason, message) {
  Object.assign(item, { outcome: "refused", reason, message });
}

// randomUUID is missing on pages without TLS, getRandomValues is not.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
