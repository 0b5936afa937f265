/**
 * What came between two lists of rows, each as `[uid, version]`: whether the same studies stand in the same order, which
 * of them look different, and which are new.
 */
export function compare(before, after) {
  const known = new Map(before);
  const fresh = after.filter(([uid]) => !known.has(uid)).map(([uid]) => uid);
  const sameOrder = before.length === after.length && before.every(([uid], place) => uid === after[place][0]);
  const changed = after.filter(([uid, is]) => known.has(uid) && known.get(uid) !== is).map(([uid]) => uid);
  return { sameOrder, fresh, changed };
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
