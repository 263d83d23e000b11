import type { Ipv4 } from "../../core/net/ipv4.ts";
import { SplitMap } from "../split-map.ts";

/**
 * How many addresses of a range are taken, without going through the range: a pool may be a /8, and the fleet large.
 * Addresses are counted by their first 16 and their first 24 bits.
 */
export class AddressCounts {
  readonly #taken = new SplitMap<number, true>();
  readonly #of256 = new Map<number, number>();
  readonly #of65536 = new Map<number, number>();

  add(address: Ipv4): void {
    if (this.#taken.has(address)) return;
    this.#taken.set(address, true);
    change(this.#of256, Math.floor(address / 256), 1);
    change(this.#of65536, Math.floor(address / 65536), 1);
  }

  remove(address: Ipv4): void {
    if (!this.#taken.delete(address)) return;
    change(this.#of256, Math.floor(address / 256), -1);
    change(this.#of65536, Math.floor(address / 65536), -1);
  }

  /** The number of taken addresses from `first` to `last`, both included; a thousand steps at most for a /8. */
  countIn(first: Ipv4, last: Ipv4): number {
    let count = 0;
    for (let at: number = first; at <= last; ) {
      if (at % 65536 === 0 && at + 65535 <= last) {
        count += this.#of65536.get(at / 65536) ?? 0;
        at += 65536;
      } else if (at % 256 === 0 && at + 255 <= last) {
        count += this.#of256.get(at / 256) ?? 0;
        at += 256;
      } else {
        count += this.#taken.has(at) ? 1 : 0;
        at += 1;
      }
    }
    return count;
  }
}

function change(counts: Map<number, number>, key: number, more: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
