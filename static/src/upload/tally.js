import { sentBytes } from "./parcels.js";

const OUTCOMES = { stored: 0, already_here: 0, refused: 0, cancelled: 0 };

/**
 * Counts all items in one pass: the whole, and each study in the order in which they joined the queue.
 * @returns {{totals: Tally, studies: Map<string, Tally & {header: object|null}>}}
 */
export function tally(items) {
  const totals = newTally(null);
  const studies = new Map();
  for (const item of items) {
    if (!studies.has(item.study)) studies.set(item.study, newTally(item.header));
    const sent = progressOf(item);
    count(totals, item, sent);
    count(studies.get(item.study), item, sent);
  }
  return { totals, studies };
}

const newTally = (header) => ({
  header,
  files: 0,
  bytes: 0,
  sent: 0,
  sentFiles: 0,
  answered: 0,
  ...OUTCOMES,
});

/** Bytes of the item that are through; null where it takes no part in the progress. */
function progressOf(item) {
  if (item.outcome === "cancelled" || !item.parcel) return null;
  return item.outcome ? item.size : sentBytes(item);
}

function count(into, item, sent) {
  into.files += 1;
  if (item.outcome) {
    into[item.outcome] += 1;
    into.answered += 1;
  }
  if (sent === null) return;
  into.bytes += item.size;
  into.sent += sent;
  if (sent === item.size && (item.outcome || item.size || item.parcel.sent > item.start)) into.sentFiles += 1;
}
