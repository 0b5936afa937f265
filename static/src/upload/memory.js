/**
 * Which uploads this browser has begun, so that a reloaded page resumes them.
 *
 * tus-js-client's own storage keeps the metadata beside the URL, file names and with them patients' names. A
 * front desk's
 * browser is shared, so only a digest and the upload's address are kept here.
 */
const PREFIX = "collimate.upload:";
const LIFETIME = 24 * 3600 * 1000;

export class Memory {
  #prefix;

  constructor(endpoint, storage = safeStorage()) {
    this.#prefix = `${PREFIX}${endpoint}:`;
    this.storage = storage;
    this.#prune();
  }

  /** @returns {{url: string, batch: string, at: number} | null} */
  recall(fingerprint) {
    try {
      return JSON.parse(this.storage?.getItem(this.#prefix + fingerprint) ?? "null");
    } catch {
      return null;
    }
  }

  remember(fingerprint, url, batch) {
    try {
      this.storage?.setItem(this.#prefix + fingerprint, JSON.stringify({ url, batch, at: Date.now() }));
    } catch {
      // A full or blocked storage costs only the resume after a reload.
    }
  }

  forget(fingerprint) {
    this.storage?.removeItem(this.#prefix + fingerprint);
  }

  forgetAll() {
    this.#keys().forEach((key) => this.storage.removeItem(key));
  }

  get size() {
    return this.#keys().length;
  }

  #keys() {
    const all = Array.from({ length: this.storage?.length ?? 0 }, (_, index) => this.storage.key(index));
    return all.filter((key) => key.startsWith(this.#prefix));
  }

  #prune() {
    const limit = Date.now() - LIFETIME;
    for (const key of this.#keys()) {
      const kept = this.recall(key.slice(this.#prefix.length));
      if (!(kept?.at > limit)) this.storage.removeItem(key);
    }
  }
}

function safeStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

/**
 * SHA-256 over path, size and time of every file, and how often it was tried; null where the page is not served
 * securely.
 */
export async function fingerprintOf({ kind, items, attempt }) {
  const lines = items.map(({ path, size, content }) => `${path}\0${size}\0${content.modified}`);
  return digestOf([kind, ...(attempt ? [attempt] : []), ...lines].join("\n"));
}

/** @returns {Promise<string|null>} hexadecimal */
export async function digestOf(text) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
