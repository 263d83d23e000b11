/** What the kernel knows of the host at an address. */
export type Neighbour = {
  /** The MAC address as text; zero until the host answered for the first time. */
  readonly mac: string;
  /** Whether the answer still counts (ATF_COM, arp(7)). */
  readonly isComplete: boolean;
};

const completeFlag = 2;

/**
 * Reads /proc/net/arp: a title, then lines `ADDRESS TYPE FLAGS MAC MASK DEVICE`. The entries of an address, one for each
 * interface that looked for it.
 */
export function neighboursIn(table: string, address: string): readonly Neighbour[] {
  return table.split("\n").flatMap((line) => {
    const [of, , flags, mac] = line.split(/\s+/);
    if (of !== address || flags === undefined || mac === undefined) return [];
    return [{ mac, isComplete: (Number(flags) & completeFlag) !== 0 }];
  });
}
