/**
 * A process that takes machines through their births on a shared database, until it is killed or all are healthy.
 * Prints acknowledged changes on stdout: `taken N` when it got the order of machine N, `healthy N`.
 */
import assert from "node:assert/strict";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { birthOf, testMac } from "../../src/mdb/testing/fleet.ts";
import { retryingStore } from "./pounding.ts";

const [place = assert.fail(), name = assert.fail(), machines = assert.fail()] = process.argv.slice(2);
const store = await retryingStore(place);
const say = (line: string) => process.stdout.write(`${line}\n`);

/** A machine whose packets reach both Birthers: each tries to give it an order, one succeeds. */
async function bear(n: number): Promise<void> {
  const [asked, issued, taken, healthy] = birthOf(n);
  if (asked === undefined || issued === undefined || taken?.kind !== "orderTaken" || healthy === undefined)
    assert.fail();
  const id = machineIdFromMac(testMac(n));
  if (store.get(id)?.state === "healthy") return;
  await store.apply(asked);
  // A script with the order's token was already sent; another server's token would replace it.
  const sent = { kind: "held", message: "a script was sent already", next: "" } as const;
  await store.apply(issued, { guard: () => (store.get(id)?.order === undefined ? undefined : sent) });
  const got = await store.apply({ ...taken, bootId: name });
  if (got.kind === "refused") return;
  say(`taken ${n}`);
  if ((await store.apply(healthy)).kind === "changed") say(`healthy ${n}`);
}

const numbers = Array.from({ length: Number(machines) }, (_, n) => n + 1);
for (let first = 0; first < numbers.length; first += 8) await Promise.all(numbers.slice(first, first + 8).map(bear));
say("done");
await store[Symbol.asyncDispose]();
