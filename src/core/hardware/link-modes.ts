/** What a NIC says of its link (host.d.ts, `linkSettings`): sets of modes by their bits. */
export type LinkSettings = {
  /** Megabits per second; 0 if unknown. */
  readonly speedMbps: number;
  readonly halfDuplex: boolean;
  /** What the NIC can do, what it offers its partner, and what the partner offers. */
  readonly supported: Uint8Array;
  readonly advertised: Uint8Array;
  readonly partner: Uint8Array;
};

/** Speeds in megabits per second, and the modes of each: bits from and to (linux/ethtool.h, ETHTOOL_LINK_MODE_*). */
const modes: readonly (readonly [speedMbps: number, ...bits: (readonly [from: number, to: number])[]])[] = [
  [10, [0, 1], [92, 92], [99, 102]],
  [100, [2, 3], [67, 67], [90, 91]],
  [1000, [4, 5], [17, 17], [41, 41], [68, 68]],
  [2500, [15, 15], [47, 47]],
  [5000, [48, 48]],
  [10_000, [12, 12], [18, 20], [42, 46]],
  [20_000, [21, 22]],
  [25_000, [31, 33]],
  [40_000, [23, 26]],
  [50_000, [34, 35], [40, 40], [52, 56]],
  [56_000, [27, 30]],
  [100_000, [36, 39], [57, 61], [75, 79]],
  [200_000, [62, 66], [80, 84]],
  [400_000, [69, 73], [85, 89]],
  [800_000, [93, 98]],
];

/** Bits are in 32-bit words, each little-endian. */
function has(set: Uint8Array, bit: number): boolean {
  return (((set[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
}

/** The fastest speed in a set of modes; 0 if it has none that is known. */
export function fastestMbps(set: Uint8Array): number {
  return modes.reduce((fastest, [speedMbps, ...ranges]) => {
    const isIn = ranges.some(([from, to]) => {
      for (let bit = from; bit <= to; bit += 1) if (has(set, bit)) return true;
      return false;
    });
    return isIn && speedMbps > fastest ? speedMbps : fastest;
  }, 0);
}

/** The figures of a link, and why it is slower than both of its ends can be; empty if it is not, or if the ends do not tell. */
export function judgeLink(link: LinkSettings): {
  readonly figures: { readonly [name: string]: number };
  readonly fault: string;
} {
  const { speedMbps, halfDuplex, supported, advertised, partner } = link;
  const [able, offered] = [fastestMbps(supported), fastestMbps(partner)];
  const both = fastestMbps(advertised.map((byte, at) => byte & (partner[at] ?? 0)));
  const slow = `expected a link of ${both} Mb/s, which the NIC and its partner both offer, found ${speedMbps} Mb/s`;
  const half = "expected a full-duplex link, found half duplex";
  return {
    figures: {
      ...(speedMbps === 0 ? {} : { linkMbps: speedMbps }),
      ...(able === 0 ? {} : { supportedMbps: able }),
      ...(offered === 0 ? {} : { partnerMbps: offered }),
    },
    fault: speedMbps === 0 ? "" : speedMbps < both ? slow : halfDuplex ? half : "",
  };
}
