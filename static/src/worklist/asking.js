/** How long after an asking the next may follow, and how long a search stands still before it counts as one. */
export const PACE = 60;
export const SETTLES_AFTER = 900;

/**
 * When to ask while somebody types: the first change at once, those that follow fast together, and once more as
 * `settled` when nothing changes any more.
 */
export class Typing {
  #last = -Infinity;
  #next = null;
  #still = null;

  /** @param {(settled: boolean) => void} ask */
  constructor(ask, clock = globalThis) {
    this.ask = ask;
    this.clock = clock;
  }

  changed() {
    const { clock } = this;
    clock.clearTimeout(this.#still);
    this.#still = clock.setTimeout(() => this.#settle(), SETTLES_AFTER);
    if (this.#next !== null) return;
    const wait = this.#last + PACE - clock.performance.now();
    if (wait <= 0) this.#now();
    else this.#next = clock.setTimeout(() => this.#now(), wait);
  }

  /** Nothing more follows from what was typed. */
  cancel() {
    this.clock.clearTimeout(this.#next);
    this.clock.clearTimeout(this.#still);
    this.#next = null;
  }

  #now() {
    this.#next = null;
    this.#last = this.clock.performance.now();
    this.ask(false);
  }

  #settle() {
    this.cancel();
    this.ask(true);
  }
}

/** Posts to the worklist's addresses; of several askings for rows the last wins, and the others are cancelled. */
export class Portal {
  #asking = null;

  constructor(base, token, send = (...request) => fetch(...request)) {
    this.base = base;
    this.token = token;
    this.send = send;
  }

  /**
   * @param {FormData|URLSearchParams} fields
   * @returns {Promise<string|null|undefined>} HTML, null where nothing changed, undefined when it was overtaken
   */
  async rows(fields) {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const response = await this.#post('worklist/rows', fields, asking.signal);
      if (response.status === 204) return null;
      if (!response.ok) throw new Refused(response.status);
      const html = await response.text();
      return asking.signal.aborted ? undefined : html;
    } catch (error) {
      if (asking.signal.aborted) return undefined;
      throw error;
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  get busy() {
    return this.#asking !== null;
  }

  /** @returns {Promise<{undo: Object<string, string>, missing: string[]}>} */
  async mark(fields) {
    const response = await this.#post('worklist/marks', fields);
    if (response.ok) return response.json();
    const type = response.headers.get('Content-Type') ?? '';
    throw new Refused(response.status, type.includes('json') ? (await response.json()).reason : '');
  }

  #post(path, body, signal) {
    const headers = { 'X-CSRFToken': this.token };
    return this.send(this.base + path, {
      method: 'POST',
      body,
      headers,
      signal,
      credentials: 'same-origin',
      redirect: 'error',
    });
  }
}

/** The portal said no; `reason` is in words where it gave one. */
export class Refused extends Error {
  constructor(status, reason = '') {
    super(`refused: ${status}`);
    this.status = status;
    this.reason = reason;
  }
}
