import type { ErrnoName } from "./errno.ts";

/** What goes wrong with a call. */
export type Trouble =
  /** It fails. */
  | { readonly kind: "fails"; readonly errno: ErrnoName }
  /** It fails with these words, as the native program says what is no errno, e.g. a certificate that is not trusted. */
  | { readonly kind: "says"; readonly words: string }
  /** It takes so long. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** It never returns. */
  | { readonly kind: "hangs" }
  /** It reads or writes at most so many bytes at once. */
  | { readonly kind: "short"; readonly bytes: number }
  /** What it reads is turned into something else. */
  | { readonly kind: "garbles"; readonly change: (bytes: Uint8Array) => Uint8Array }
  /** It says that it wrote, and did not. */
  | { readonly kind: "forgets" }
  /** A program takes so long; infinity is one that hangs, until it is killed. */
  | { readonly kind: "runsFor"; readonly milliseconds: number }
  /** A program ends with this status and these words. */
  | { readonly kind: "exits"; readonly status: number; readonly output: string };

/** Which calls are in trouble: by name, by what they are about (path, program with arguments, `ADDRESS:PORT`), and by number among those that match. */
export type TroubleRule = {
  readonly call: string;
  readonly about?: RegExp;
  /** From the n-th match on (1 is the first, and the default). */
  readonly from?: number;
  /** So many matches; without it all that follow. */
  readonly times?: number;
  readonly trouble: Trouble;
};

/** Counts what matches, and tells the trouble of a call. */
export type Troubles = { readonly of: (call: string, about: string) => Trouble | undefined };

/** The troubles of a run; the first rule that matches counts. */
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
