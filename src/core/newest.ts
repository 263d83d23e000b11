/** What part of the entries is forgotten at once when there are too many: one in so many. */
const forgottenPart = 16;

/**
 * Puts an entry last into a map that stands in the order of age, and forgets the oldest when there are more than `limit`.
 * Several at once: what a map has deleted leaves holes, and the way to its first entry leads past all of them.
 */
export function putNewest<Key, Value>(map: Map<Key, Value>, entry: readonly [Key, Value], limit: number): void {
  const [key, value] = entry;
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  const kept = limit - Math.floor(limit / forgottenPart);
  for (const oldest of map.keys()) {
    if (map.size <= kept) break;
    map.delete(oldest);
  }
}
