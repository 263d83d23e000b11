/**
 * A process that births machines in a store until it is killed, and says on stdout what was acknowledged:
 * `FIRST REVISION` lines, where FIRST is the number of the machine. Used by the test that kills it.
 */

import { openStore } from "./open-store.ts";
import { asks, birthOf } from "./store-suite.ts";

const [path, firstMachine] = process.argv.slice(2);
if (path === undefined || firstMachine === undefined) throw new Error("store-writer PATH FIRST-MACHINE");
const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
const store = await openStore({ path, clock, log: () => {} });
const writeMachine = async (n: number) => {
  for (const event of [...birthOf(n), asks(n), asks(n)]) {
    const decision = await store.apply(event);
    process.stdout.write(`${n} ${decision.machine?.revision}\n`);
  }
};
for (let n = Number(firstMachine); ; n += 4) await Promise.all([n, n + 1, n + 2, n + 3].map(writeMachine));
