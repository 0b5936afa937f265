const FIRST = 1000;
const LONGEST = 20000;
// Polling counts as activity: without an end, an unattended desk would never be signed out.
const PATIENCE = 20 * 60 * 1000;
// A picture may come a moment after the last state; what cannot be drawn never has one.
const LOOKS_FOR_PICTURES = 5;

/** What happens after 100 %: follows the studies of the batches until every instance is mirrored. */
export class Studies {
  #batches = new Set();
  #found = new Map();
  #timer = null;
  #delay = FIRST;
  #asking = false;
  #until = 0;
  #looks = 0;
  #isCurrent = false;

  constructor(endpoint, changed) {
    this.endpoint = endpoint;
    this.changed = changed;
  }

  get list() {
    return [...this.#found.values()];
  }

  get isSettled() {
    return this.#isCurrent && this.#found.size > 0 && this.list.every(isSettled);
  }

  /** Call after every answer: it begins the polling and brings it back to its quickest. */
  follow(batch) {
    this.#batches.add(batch);
    this.#isCurrent = false;
    this.#until = Date.now() + PATIENCE;
    this.#looks = LOOKS_FOR_PICTURES;
    const isDue = this.#timer && this.#delay === FIRST; // answers in quick succession must not put it off for ever
    this.#delay = FIRST;
    if (!isDue) this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), this.#delay);
  }

  async #poll() {
    this.#timer = null;
    if (this.#asking) return this.#schedule();
    this.#asking = true;
    const complete = document.hidden ? false : await this.#askAll();
    this.#asking = false;
    this.#delay = Math.min(LONGEST, this.#delay * 1.5);
    const finished = complete && this.isSettled && !this.#awaitsPicture();
    if (Date.now() < this.#until && !finished) this.#schedule();
  }

  #awaitsPicture() {
    if (!this.isSettled || this.list.every((study) => study.thumbnail_url)) return false;
    return this.#looks-- > 0;
  }

  async #askAll() {
    let complete = true;
    this.#isCurrent = true;
    for (const batch of this.#batches) complete = (await this.#ask(batch)) && complete;
    this.changed();
    return complete;
  }

  async #ask(batch) {
    try {
      const response = await fetch(`${this.endpoint}batches/${batch}`, {
        headers: { Accept: "application/json" },
        cache: "no-store",
      });
      if (!response.ok) return false;
      const { studies } = await response.json();
      studies.forEach((study) => this.#found.set(study.study_instance_uid, study));
      return studies.length > 0;
    } catch {
      return false;
    }
  }
}

function isSettled({ instances, in_pacs: inPacs, sealed, mirrored }) {
  return Math.min(inPacs, sealed, mirrored) >= instances;
}
