import type { ErrnoName } from "./errno.ts";

/** A trouble of a call. */
export type Trouble =
  /** The call fails with this errno. */
  | { readonly kind: "fails"; readonly errno: ErrnoName }
  /**
   * The call fails with this message, for failures of the native program without an errno, such as an untrusted
   * certificate.
   */
  | { readonly kind: "says"; readonly words: string }
  /** The call takes this long. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** The call never returns. */
  | { readonly kind: "hangs" }
  /** The call reads or writes at most this many bytes at once. */
  | { readonly kind: "short"; readonly bytes: number }
  /** The call's data is replaced. */
  | { readonly kind: "garbles"; readonly change: (bytes: Uint8Array) => Uint8Array }
  /** The call reports a write or a removal that it did not make. */
  | { readonly kind: "forgets" }
  /** A program takes this long; an infinite time means that it hangs until it is killed. */
  | { readonly kind: "runsFor"; readonly milliseconds: number }
  /** A program ends with this status and this output. */
  | { readonly kind: "exits"; readonly status: number; readonly output: string };

/**
 * Selects calls: by name, by subject (path, program with arguments, `ADDRESS:PORT`), and by number among the matching
 * ones.
 */
export type TroubleRule = {
  readonly call: string;
  readonly about?: RegExp;
  /** The first affected match (1 is the first, and the default). */
  readonly from?: number;
  /** Number of affected matches; without it, all further ones. */
  readonly times?: number;
  readonly trouble: Trouble;
};

/** Counts matches, and returns the trouble of a call. */
export type Troubles = { readonly of: (call: string, about: string) => Trouble | undefined };

/** The troubles of a run; the first matching rule applies. */
export function openTroubles(rules: readonly TroubleRule[]): Troubles {
  const seen = rules.map(() => 0);
  return {
    of: (call, about) => {
      for (const [index, rule] of rules.entries()) {
        if (rule.call !== call || rule.about?.test(about) === false) continue;
        const count = (seen[index] ?? 0) + 1;
        seen[index] = count;
        const from = rule.from ?? 1;
        if (count >= from && count < from + (rule.times ?? Number.POSITIVE_INFINITY)) return rule.trouble;
      }
      return undefined;
    },
  };
}
