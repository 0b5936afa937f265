/**
 * Answers belong to files by name; where a server shortened a name, what is left over is matched in order.
 */
export function pair(items, answers) {
  if (items.length === 1 && answers.length === 1) return [[items[0], answers[0]]];
  const byName = new Map();
  for (const answer of answers) byName.set(answer.name, [...(byName.get(answer.name) ?? []), answer]);
  const pairs = items.map((item) => [item, byName.get(item.path)?.shift()]);
  const over = [...byName.values()].flat();
  return pairs.map(([item, answer]) => [item, answer ?? over.shift()]);
}
