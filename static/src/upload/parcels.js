/**
 * A parcel is what travels in one tus upload: one large file, or a bundle of small ones.
 *
 * Bundle: `COLLIMATE-BUNDLE-1\n`, then per file: u32 BE length of the UTF-8 path, path, u64 BE size, bytes.
 */
export const LARGE = 8 * 2 ** 20;
export const BUNDLE_BYTES = 16 * 2 ** 20;
export const BUNDLE_FILES = 500;

const MAGIC = new TextEncoder().encode("COLLIMATE-BUNDLE-1\n");

let lastId = 0;

/** @returns an item of the list the user sees; `start` is where its bytes begin inside its parcel */
export function toItem({ file, path }) {
  const cut = path.lastIndexOf("/");
  return {
    id: ++lastId,
    file,
    path,
    size: file.size,
    folder: cut < 0 ? "" : path.slice(0, cut),
    name: path.slice(cut + 1),
    outcome: null,
    message: "",
    start: 0,
    parcel: null,
  };
}

/**
 * The same selection always gives the same parcels, whatever order the browser listed it in:
 * only so can a reloaded page find the uploads it had begun.
 */
export function pack(items) {
  const sorted = [...items].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const large = sorted.filter((item) => item.size >= LARGE).map((item) => parcel("file", [item]));
  return [...bundles(sorted.filter((item) => item.size < LARGE)), ...large];
}

function bundles(items) {
  const packed = [];
  let current = [];
  let bytes = 0;
  for (const item of items) {
    if (current.length === BUNDLE_FILES || (current.length && bytes + item.size > BUNDLE_BYTES)) {
      packed.push(parcel("bundle", current));
      current = [];
      bytes = 0;
    }
    current.push(item);
    bytes += item.size;
  }
  if (current.length) packed.push(parcel("bundle", current));
  return packed;
}

function parcel(kind, items) {
  const made = { kind, items, state: "waiting", sent: 0, size: 0, location: null, waitUntil: 0 };
  let position = kind === "bundle" ? MAGIC.length : 0;
  for (const item of items) {
    if (kind === "bundle") position += heading(item).length;
    item.parcel = made;
    item.start = position;
    position += item.size;
  }
  made.size = position;
  return made;
}

/** The bytes of a parcel: a Blob made of the files themselves, so nothing is copied into memory. */
export function bodyOf({ kind, items }) {
  if (kind === "file") return items[0].file;
  return new Blob([MAGIC, ...items.flatMap((item) => [heading(item), item.file])]);
}

function heading({ path, size }) {
  const name = new TextEncoder().encode(path);
  const head = new Uint8Array(4 + name.length + 8);
  const view = new DataView(head.buffer);
  view.setUint32(0, name.length);
  head.set(name, 4);
  view.setBigUint64(4 + name.length, BigInt(size));
  return head;
}

/** Bytes of this item that have left the browser. */
export function sentBytes({ parcel, start, size }) {
  return Math.max(0, Math.min(size, parcel.sent - start));
}

/**
 * Files that were moved, changed or locked since they were chosen; a browser reports them only as a broken
 * connection.
 */
export async function findUnreadable(items) {
  const tried = await Promise.all(items.map(async (item) => [item, await isReadable(item.file)]));
  return tried.filter(([, readable]) => !readable).map(([item]) => item);
}

async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
