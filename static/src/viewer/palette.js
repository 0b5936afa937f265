import { values } from './attributes.js';
import { bytesIn, entriesIn, words } from './tables.js';

/** Descriptor, data and segmented data of red, green and blue (PS3.3 §C.7.9). */
const TABLES = Object.freeze([
  ['00281101', '00281201', '00281221'],
  ['00281102', '00281202', '00281222'],
  ['00281103', '00281203', '00281223'],
]);

/** Tables that may have to be fetched. */
export const PALETTE_PATHS = Object.freeze(TABLES.flatMap(([, data, segmented]) => [[data], [segmented]]));

const LARGEST_TABLE = 65536;

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;

/** One segment appended to `entries`; returns where the next one begins. */
function readSegment(source, at, entries) {
  const [kind, length] = source.slice(at, at + 2);
  if (kind === DISCRETE) {
    entries.push(...source.slice(at + 2, at + 2 + length));
    return at + 2 + length;
  }
  if (kind === LINEAR) {
    const [from, to] = [entries.at(-1) ?? 0, source[at + 2]];
    for (let step = 1; step <= length; step += 1)
      entries.push(Math.round(from + ((to - from) * step) / length));
    return at + 3;
  }
  return null;
}

/**
 * A segmented table written out (PS3.3 §C.7.9.2). A table that lies about itself ends where it does.
 * @param {number[]} source
 * @returns {number[]}
 */
export function expandSegments(source) {
  const entries = [];
  let at = 0;
  while (at < source.length && entries.length < LARGEST_TABLE) {
    if (source[at] === INDIRECT) {
      // Segments from elsewhere in the table, which are not indirect themselves.
      let from = source[at + 2] + source[at + 3] * 65536;
      for (let copied = 0; copied < source[at + 1] && from !== null && from < source.length; copied += 1) {
        from = readSegment(source, from, entries);
      }
      at += 4;
    } else {
      const next = readSegment(source, at, entries);
      if (next === null) break;
      at = next;
    }
  }
  return entries.slice(0, LARGEST_TABLE);
}

function entriesOf(instance, [descriptor, data, segmented]) {
  const [count, , bits] = values(instance, descriptor).map(Number);
  const plain = entriesIn(instance[data], count || LARGEST_TABLE);
  if (plain) return plain;
  const bytes = bytesIn(instance[segmented]);
  if (!bytes) return null;
  return expandSegments(bits === 8 && bytes.length % 2 ? [...bytes] : words(bytes));
}

/** To eight bits: some tables say 16 and mean 8 (PS3.3 §C.7.6.3.1.6). */
function eightBits(entries, bits) {
  const shift = bits > 8 && entries.some((entry) => entry > 255) ? 8 : 0;
  return Uint8Array.from(entries, (entry) => entry >> shift);
}

/**
 * The colours that a palette image brings along.
 * @param {object} instance DICOM JSON dataset whose tables are inline
 * @returns {{first: number, tables: Uint8Array[]}|null} null when a table is missing
 */
export function paletteOf(instance) {
  const tables = TABLES.map((tags) => entriesOf(instance, tags));
  if (!tables.every((table) => table?.length)) return null;
  const [, first = 0, bits = 8] = values(instance, TABLES[0][0]).map(Number);
  return { first, tables: tables.map((table) => eightBits(table, bits)) };
}

/**
 * Stored indices as colours by pixel; what lies outside of a table takes its first or last colour.
 * @param {Uint8Array|Uint16Array|Int8Array|Int16Array} indices
 * @param {{first: number, tables: Uint8Array[]}} palette
 * @returns {Uint8Array} red, green and blue of each pixel
 */
export function coloured(indices, { first, tables }) {
  const colours = new Uint8Array(indices.length * 3);
  tables.forEach((table, sample) => {
    const last = table.length - 1;
    for (let at = 0; at < indices.length; at += 1) {
      colours[at * 3 + sample] = table[Math.min(last, Math.max(0, indices[at] - first))];
    }
  });
  return colours;
}
