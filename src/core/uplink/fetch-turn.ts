import type { Source } from "../distribution/distribution.ts";

/** As much is fetched at once, and from the server: the change of a few files must not wait for whole images. */
export const smallFetchBytes = 4 << 20;

/** The answer to an agent that is about to fetch its image, or is fetching it. */
export type FetchTurn =
  /** Fetch, or go on; say how far you are after this time. */
  | {
      readonly kind: "go";
      readonly reportSeconds: number;
      /** Other machines to fetch from, best first; without them, and where they fail, the server. */
      readonly sources?: readonly Source[];
      /** The keys by which machines know each other, the present one first, in hex; for machines that serve others. */
      readonly peerKeys?: readonly string[];
      /** How fast this machine may send to others, all together; absent where no limit applies. */
      readonly uploadBytesPerSecond?: number;
    }
  /** Ask again after this time; `reason` says the place in the queue. */
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: string }
  /** Poll instead: the machine is held, or is to run another image. */
  | { readonly kind: "abandon"; readonly reason: string };
