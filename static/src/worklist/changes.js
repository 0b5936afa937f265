/**
 * What came between two lists of studies, by their UIDs: whether the same studies stand in the same order, and which
 * are new.
 */
export function compare(before, after) {
  const known = new Set(before);
  const fresh = after.filter((uid) => !known.has(uid));
  const sameOrder = before.length === after.length && before.every((uid, place) => uid === after[place]);
  return { sameOrder, fresh };
}

/** Studies by what undoes a change for each: one request per value. */
export function groupUndo(undo) {
  const groups = new Map();
  for (const [uid, value] of Object.entries(undo)) groups.set(value, [...(groups.get(value) ?? []), uid]);
  return groups;
}

/** Which of `count` pictures belongs to a place between 0 and 1. */
export function placeOf(fraction, count) {
  return Math.min(count - 1, Math.max(0, Math.floor(fraction * count)));
}
