import type { Clock, Log, Random, Store } from "../../../core/ports.ts";
import { type Sessions, sessionsIn } from "./sessions.ts";
import { type Tokens, tokensIn } from "./tokens.ts";

/** The callers over TLS, in a store: programs with tokens, and browsers with sessions. */
export function callersIn(deps: {
  readonly store: Pick<Store, "documents" | "putDocument" | "replaceDocument" | "dropDocument">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): { readonly tokens: Tokens; readonly sessions: Sessions } {
  const tokens = tokensIn(deps);
  return { tokens, sessions: sessionsIn({ ...deps, tokens }) };
}
