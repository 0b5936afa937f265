import { values } from './attributes.js';
import { retrieveBytes } from './dicomweb.js';

/** Tables of numbers in a header, which are binary or plain, here or at an address of their own. */

const fromBase64 = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** @returns {number[]} little-endian words */
export function words(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 1 }, (_, at) => view.getUint16(at * 2, true));
}

/** @returns {Uint8Array|null} an element's bytes, where it is binary and here */
export function bytesIn(element) {
  if (element?.bytes) return element.bytes;
  return element?.InlineBinary ? fromBase64(element.InlineBinary) : null;
}

/**
 * Entries of a table; they are bytes where there are just enough for that, else words: descriptors may lie.
 * @param {object|undefined} element of DICOM JSON
 * @param {number} count how many there should be
 * @returns {number[]|null} null where there are none
 */
export function entriesIn(element, count) {
  const bytes = bytesIn(element);
  if (bytes) return bytes.length < count * 2 ? [...bytes] : words(bytes);
  return element?.Value?.length ? element.Value.map(Number) : null;
}

/** @type {WeakMap<object, Promise<object>>} datasets with their tables, by those without */
const whole = new WeakMap();

async function fetched(url, instance, paths) {
  const copy = { ...instance };
  for (const [outer, inner] of paths) {
    if (!inner) copy[outer] = { ...copy[outer], bytes: await retrieveBytes(`${url}/bulkdata/${outer}`) };
    else {
      const bytes = await retrieveBytes(`${url}/bulkdata/${outer}/0/${inner}`);
      const [item, ...rest] = values(copy, outer);
      copy[outer] = { ...copy[outer], Value: [{ ...item, [inner]: { ...item[inner], bytes } }, ...rest] };
    }
  }
  return copy;
}

const isDistant = (instance) => ([outer, inner]) =>
  Boolean(inner ? values(instance, outer)[0]?.[inner]?.BulkDataURI : instance[outer]?.BulkDataURI);

/**
 * A dataset with the tables that its metadata gives by address only. The address is made here: one that a file brings
 * is never asked.
 * @param {object} instance
 * @param {string} frameUrl of one of its frames
 * @param {string[][]} paths `[tag]`, or `[sequence, tag]` for its first item
 * @returns {Promise<object>}
 */
export function withTables(instance, frameUrl, paths) {
  const distant = paths.filter(isDistant(instance));
  if (!distant.length) return Promise.resolve(instance);
  if (!whole.has(instance)) {
    const loading = fetched(frameUrl.replace(/\/frames\/\d+$/, ''), instance, distant);
    loading.catch(() => whole.delete(instance));
    whole.set(instance, loading);
  }
  return whole.get(instance);
}
