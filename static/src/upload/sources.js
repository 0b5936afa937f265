/**
 * Where the files of an upload came from, so that a page that was closed finds them again: the browser's handles
 * (File System Access) of what was dropped or picked, and digests of the studies that were to be sent. A handle
 * holds the name of a folder, so all are forgotten when the upload ends, and after a day.
 */
import { digestOf } from "./memory.js";

const NAME = "collimate-upload";
const STORE = "sources";
const LIFETIME = 24 * 3600 * 1000;

export class Sources {
  constructor(endpoint) {
    this.endpoint = endpoint;
  }

  /** @param {FileSystemHandle[]} handles @param {string[]} studies their UIDs; "" for files of unknown studies */
  async remember(handles, studies) {
    if (!handles.length) return;
    const wanted = await Promise.all(studies.map(digestOf));
    const row = { endpoint: this.endpoint, handles, studies: wanted, at: Date.now() };
    // Where the browser cannot keep handles, or keeps nothing, the user is asked to choose the folder again.
    await perform("readwrite", (store) => store.add(row)).catch(() => {});
  }

  /** @returns {Promise<{handles: FileSystemHandle[], studies: string[]}[]>} */
  async recall() {
    const rows = (await perform("readonly", (store) => store.getAll()).catch(() => null)) ?? [];
    return rows.filter(({ endpoint, at }) => endpoint === this.endpoint && at > Date.now() - LIFETIME);
  }

  async forgetAll() {
    await perform("readwrite", (store) => store.clear()).catch(() => {});
  }
}

/** Whether the browser lets the page read them again; asks the user where it must. */
export async function mayRead(handles) {
  for (const handle of handles) {
    const answer = (await handle.requestPermission?.({ mode: "read" })) ?? "granted";
    if (answer !== "granted") return false;
  }
  return true;
}

/** Those of the studies that were to be sent. */
export async function wantedOf(studies, rows) {
  const wanted = new Set(rows.flatMap((row) => row.studies));
  const digests = await Promise.all(studies.map(({ uid }) => digestOf(uid)));
  return studies.filter((_, at) => wanted.has(digests[at]));
}

async function perform(mode, act) {
  const database = await open();
  try {
    const transaction = database.transaction(STORE, mode);
    const request = act(transaction.objectStore(STORE));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
