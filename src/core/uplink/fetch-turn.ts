/** The answer to an agent that is about to fetch its image, or is fetching it. */
export type FetchTurn =
  /** Fetch, or go on; say how far you are after this time. */
  | { readonly kind: "go"; readonly reportSeconds: number }
  /** Ask again after this time; `reason` says the place in the queue. */
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: string }
  /** Poll instead: the machine is held, or is to run another image. */
  | { readonly kind: "abandon"; readonly reason: string };
