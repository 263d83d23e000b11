import type { Content } from "../../../core/image/update/difference.ts";
import { digestOf, openAccounts } from "../peers/accounts.ts";
import { fetchInParts, leastPartedBytes } from "../peers/fetch-in-parts.ts";
import type { SubContext } from "../sub-context.ts";
import type { Turn } from "./fetch-turn.ts";
import type { ObjectCache } from "./object-cache.ts";

/** With less than this from several machines, a content is left to one source. */
const worthwhileBytes = 1 << 20;

/** The contents of a fetch that are so large that several machines send their parts. */
export type LargeContents = {
  readonly isFor: (content: Content) => boolean;
  /** Fetches from all sources of the turn; returns 1 if the content is stored, otherwise 0. */
  readonly fetch: (content: Content, doneBytes: number) => number;
  /** Contents are there, from whomever: machines that sent other parts of them before are to blame. */
  readonly stored: (contents: readonly Content[]) => void;
};

/** A content is tried again as long as each attempt brings some of it; one that was wrong comes from one source. */
export function largeContents(
  context: Pick<SubContext, "alive" | "log">,
  cache: ObjectCache,
  turn: Turn,
): LargeContents {
  const accounts = openAccounts();
  const left = new Set<string>();
  return {
    isFor: ({ sha512, size }) =>
      size >= leastPartedBytes && accounts.isTrusting() && !left.has(sha512) && !cache.begun.isToBeOfOne(sha512),
    fetch: (content, doneBytes) => {
      const result = fetchInParts(context, cache, { turn, content, doneBytes });
      if (result.kind === "forged") accounts.note(content.sha512, result.accounts);
      if (result.kind === "begun" && result.bytes < worthwhileBytes) left.add(content.sha512);
      return result.kind === "stored" ? 1 : 0;
    },
    stored: (contents) => {
      for (const { sha512 } of contents)
        for (const machineId of accounts.liars(sha512, (part) => digestOf(cache.read(sha512, part)))) {
          context.log("warn", "a machine sent a wrong part of a content", { peer: machineId, sha512 });
          turn.failed({ machineId }, { isToBlame: true, isOfNoUse: false, stored: 0 });
        }
    },
  };
}
