/**
 * Default of `maxConnectionsPerAddress`, the open connections that one address may have on a port: machines need a few, a computer with many virtual machines behind
 * one address some dozens. A client that leaves its requests unfinished must not take the place of others.
 */
export const clientConnectionLimit = 256;

/** Connections to a port in all, whatever the number of machines; with more machines, two for each. */
const leastTotal = 16_384;

/** The connections to a port of machines that there may be in all: two for each machine, and room for newcomers. */
export function machineConnectionLimit(machines: number): number {
  return Math.max(leastTotal, 2 * machines);
}

/** The open connections of a port. */
export type OpenConnections<Connection> = {
  /**
   * Counts a new connection of an address; false if the address has as many as it may. Beyond the total, the address with the
   * most connections loses its oldest one, so that strangers who fill the port keep nobody out.
   */
  readonly begin: (address: string, connection: Connection) => boolean;
  /** Counts the end of a connection. */
  readonly end: (address: string, connection: Connection) => void;
};

/** No connections yet; `drop` closes one. */
export function openConnections<Connection>(options: {
  readonly perAddress?: number | undefined;
  readonly total: () => number;
  readonly drop: (connection: Connection) => void;
}): OpenConnections<Connection> {
  const { perAddress = clientConnectionLimit, total, drop } = options;
  const byAddress = new Map<string, Set<Connection>>();
  let open = 0;

  function end(address: string, connection: Connection): void {
    const own = byAddress.get(address);
    if (own?.delete(connection) !== true) return;
    open -= 1;
    if (own.size === 0) byAddress.delete(address);
  }
  function dropOne(): void {
    const first = { address: "", own: new Set<Connection>() };
    const { address, own } = [...byAddress].reduce(
      (heaviest, [each, its]) => (its.size > heaviest.own.size ? { address: each, own: its } : heaviest),
      first,
    );
    const [oldest] = own;
    if (oldest === undefined) return;
    end(address, oldest);
    drop(oldest);
  }

  return {
    begin: (address, connection) => {
      const own = byAddress.get(address) ?? new Set<Connection>();
      if (own.size >= perAddress) return false;
      if (open >= total()) dropOne();
      own.add(connection);
      byAddress.set(address, own);
      open += 1;
      return true;
    },
    end,
  };
}
