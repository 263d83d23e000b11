/** The open connections of each client address. */
export type ConnectionCounts = Map<string, number>;

/**
 * Default of `maxConnectionsPerAddress`, the open connections that one address may have on a port: machines need a few, a computer with many virtual machines behind
 * one address some dozens. A client that leaves its requests unfinished must not take the place of others.
 */
export const clientConnectionLimit = 256;

/** Counts a new connection of an address; false if it has as many as it may. Each counted one ends with `endConnection`. */
export function beginConnection(counts: ConnectionCounts, address: string, limit = clientConnectionLimit): boolean {
  const open = counts.get(address) ?? 0;
  if (open >= limit) return false;
  counts.set(address, open + 1);
  return true;
}

/** Counts the end of a connection that `beginConnection` accepted. */
export function endConnection(counts: ConnectionCounts, address: string): void {
  const left = (counts.get(address) ?? 0) - 1;
  if (left > 0) counts.set(address, left);
  else counts.delete(address);
}
