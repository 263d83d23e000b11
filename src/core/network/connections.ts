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
  /** The addresses with as many connections as the index, those first that came to it first. */
  const bySize: Set<string>[] = [];
  let open = 0;

  /** Notes that an address has one connection more or less; its size was `before`. */
  function resize(address: string, before: number, after: number): void {
    bySize[before]?.delete(address);
    const addresses = bySize[after] ?? new Set();
    bySize[after] = addresses;
    if (after === 0) byAddress.delete(address);
    else addresses.add(address);
    open += after - before;
  }
  function end(address: string, connection: Connection): void {
    const own = byAddress.get(address);
    if (own?.delete(connection) === true) resize(address, own.size + 1, own.size);
  }
  function dropOne(): void {
    // At most `perAddress` steps, however many addresses there are.
    let size = bySize.length - 1;
    while (size > 0 && (bySize[size]?.size ?? 0) === 0) size -= 1;
    const [address = ""] = bySize[size] ?? [];
    const [oldest] = byAddress.get(address) ?? [];
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
      resize(address, own.size - 1, own.size);
      return true;
    },
    end,
  };
}
