import { setTimeout as wait } from "node:timers/promises";
import type { ReadyAnswer } from "../../contract/operator/export-shapes.ts";

/** What is the matter with a thing, and what to do. */
export type Fault = { readonly fault: string; readonly next: string };

/** One thing that births need. */
export type ReadyCheck = {
  readonly name: string;
  /** Undefined when it is well. A rejection is a fault in its own words. */
  readonly ask: () => Promise<Fault | undefined> | Fault | undefined;
};

/** A check that takes longer is itself the fault. */
const retryMs = 3000;

/** Asks all checks at once; ready when each is well. */
export async function readinessOf(checks: readonly ReadyCheck[]): Promise<ReadyAnswer> {
  const answers = await Promise.all(
    checks.map(async ({ name, ask }) => {
      const found = await faultOf(ask);
      return { name, ok: found === undefined, ...found };
    }),
  );
  return { ready: answers.every(({ ok }) => ok), checks: answers };
}

async function faultOf(ask: ReadyCheck["ask"]): Promise<Fault | undefined> {
  const given = new AbortController();
  const late = wait(retryMs, undefined, { signal: given.signal, ref: false }).then(
    (): Fault => ({ fault: `no answer within ${retryMs / 1000} s`, next: "look at the server's log" }),
    () => undefined,
  );
  try {
    return await Promise.race([Promise.resolve().then(ask), late]);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return { fault: `${error instanceof Error ? error.message : error}${cause}`, next: "look at the server's log" };
  } finally {
    given.abort();
  }
}
