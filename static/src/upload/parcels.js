/**
 * A parcel is what travels in one tus upload: one large file, or a bundle of small ones.
 *
 * Bundle: `COLLIMATE-BUNDLE-1\n`, then per file: u32 BE length of the UTF-8 path, path, u64 BE size, bytes.
 */
import { Direct } from "./contents.js";

export const LARGE = 8 * 2 ** 20;
export const BUNDLE_BYTES = 16 * 2 ** 20;
export const BUNDLE_FILES = 500;
// A bundle that holds this much ends with its study, so that studies arrive one after the other and whole.
const ENOUGH_FILES = 50;
const ENOUGH_BYTES = 4 * 2 ** 20;

const MAGIC = new TextEncoder().encode("COLLIMATE-BUNDLE-1\n");

let lastId = 0;

/** Some files of a parcel cannot be read. */
export class Unreadable extends Error {
  constructor(items) {
    super("unreadable");
    this.items = items;
  }
}

/** @returns an item of the list the user sees; `start` is where its bytes begin inside its parcel */
export function toItem({ content, path, header = null }) {
  const cut = path.lastIndexOf("/");
  return {
    id: ++lastId,
    content,
    path,
    header,
    study: header?.study ?? "",
    size: content.size,
    folder: cut < 0 ? "" : path.slice(0, cut),
    name: path.slice(cut + 1),
    outcome: null,
    reason: "",
    message: "",
    start: 0,
    parcel: null,
  };
}

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The same selection always gives the same parcels, whatever order the browser listed it in:
 * only so can a reloaded page find the uploads it had begun.
 */
export function pack(items) {
  const sorted = [...items].sort((a, b) => order(a.study, b.study) || order(a.path, b.path));
  const large = sorted.filter((item) => item.size >= LARGE).map((item) => parcel("file", [item]));
  return [...bundles(sorted.filter((item) => item.size < LARGE)), ...large];
}

function bundles(items) {
  const packed = [];
  let current = [];
  let bytes = 0;
  for (const item of items) {
    if (current.length && closes(current, bytes, item)) {
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

function closes(current, bytes, next) {
  if (current.length === BUNDLE_FILES || bytes + next.size > BUNDLE_BYTES) return true;
  const isEnough = current.length >= ENOUGH_FILES || bytes >= ENOUGH_BYTES;
  return isEnough && current.at(-1).study !== next.study;
}

function parcel(kind, items) {
  const made = { kind, items, state: "waiting", sent: 0, size: 0, location: null, waitUntil: 0, attempt: 0 };
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

/**
 * The bytes of a parcel: a Blob made of the files themselves, of which only what was packed in a ZIP is copied
 * into memory; a large packed file is left where it is, to be read in pieces.
 * @returns {Promise<Blob|import("./contents.js").Packed>}
 * @throws {Unreadable}
 */
export async function bodyOf({ kind, items }) {
  if (kind === "file") return items[0].content instanceof Direct ? items[0].content.blob() : items[0].content;
  const bodies = await Promise.allSettled(items.map(({ content }) => content.blob()));
  const broken = items.filter(({ size }, at) => bodies[at].value?.size !== size);
  if (broken.length) throw new Unreadable(broken);
  return new Blob([MAGIC, ...items.flatMap((item, at) => [heading(item), bodies[at].value])]);
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
  const tried = await Promise.all(items.map(async (item) => [item, await item.content.isReadable()]));
  return tried.filter(([, readable]) => !readable).map(([item]) => item);
}
