/**
 * A process that births machines in a store until it is killed, and prints acknowledged changes on stdout: lines of
 * `MACHINE REVISION`. It opens the store when it receives the first machine's number on stdin, so that one can be
 * started while another is still writing.
 */
import { once } from "node:events";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf } from "../../src/mdb/testing/fleet.ts";

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: store-writer PATH, with the number of the first machine on stdin");
const [first] = (await once(process.stdin, "data")) as [Buffer];
const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
const store = await openStore({ path, clock, log: () => {} });
const writeMachine = async (n: number) => {
  for (const event of [...birthOf(n), asks(n), asks(n)]) {
    const decision = await store.apply(event);
    process.stdout.write(`${n} ${decision.machine?.revision}\n`);
  }
};
for (let n = Number(first.toString()); ; n += 4) await Promise.all([n, n + 1, n + 2, n + 3].map(writeMachine));
