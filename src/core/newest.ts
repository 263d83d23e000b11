/** The divisor for the share of entries to drop at once beyond the limit. */
const forgottenPart = 16;

/**
 * Appends an entry to a map ordered by age, and drops the oldest entries beyond `limit`. Several are dropped at once, because
 * deleted entries leave holes in a map, and the search for its first entry passes all of them.
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
