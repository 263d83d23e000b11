import { setTimeout as wait } from "node:timers/promises";
import type { ReadyAnswer } from "../../contract/operator/export-shapes.ts";

/** A fault that a check found, and the next step. */
export type Fault = { readonly fault: string; readonly next: string };

/** One condition that births need. */
export type ReadyCheck = {
  readonly name: string;
  /** Returns undefined when all is well. A rejection is a fault with the error's message. */
  readonly check: () => Promise<Fault | undefined> | Fault | undefined;
};

/** A check that takes longer has itself failed. */
const timeoutMs = 3000;

/** Runs all checks at once; ready when each succeeds. */
export async function readinessOf(checks: readonly ReadyCheck[]): Promise<ReadyAnswer> {
  const answers = await Promise.all(
    checks.map(async ({ name, check }) => {
      const found = await faultOf(check);
      return { name, ok: found === undefined, ...found };
    }),
  );
  return { ready: answers.every(({ ok }) => ok), checks: answers };
}

async function faultOf(check: ReadyCheck["check"]): Promise<Fault | undefined> {
  const given = new AbortController();
  const late = wait(timeoutMs, undefined, { signal: given.signal, ref: false }).then(
    (): Fault => ({ fault: `no answer within ${timeoutMs / 1000} s`, next: "see the server's log" }),
    () => undefined,
  );
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return { fault: `${error instanceof Error ? error.message : error}${cause}`, next: "see the server's log" };
  } finally {
    given.abort();
  }
}
