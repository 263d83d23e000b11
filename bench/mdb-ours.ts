/**
 * Our MDB as a process of its own: the store and the operators' API on a Unix socket. It carries out the benchmark's
 * commands from the IPC channel, and answers each when it is done.
 */

import { once } from "node:events";
import { tmpdir } from "node:os";
import type { MachineEvent } from "../src/core/machine/event.ts";
import { defaultDeadlineSeconds } from "../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../src/core/machine/life/move.ts";
import type { Store } from "../src/core/ports.ts";
import { systemClock as clock, systemRandom as random } from "../src/main/system-ports.ts";
import { openLoneExports } from "../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../src/mdb/models.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { operatorApp } from "../src/mdb/operator-api/app.ts";
import { backupsIn } from "../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../src/mdb/operator-api/server.ts";
import { noCatalogue } from "../src/mdb/testing/no-catalogue.ts";
import { fleetMac } from "./mdb-fleet.ts";

/** The benchmark's commands; the answer is a number or an object. */
export type Word =
  /** Changes random machines as fast as they become durable, for this time; returns changes per second. */
  | { readonly do: "apply"; readonly what: "states" | "pxe"; readonly seconds: number; readonly inFlight: number }
  /** RSS and heap after a collection. */
  | { readonly do: "memory" }
  /** CPU seconds of the process so far. */
  | { readonly do: "cpu" };

const [place = "", socketPath = "", count = "0"] = process.argv.slice(2);
const machines = Number(count);
const log = () => {};
const startedMs = performance.now();
const opened = await openStore({ path: place, clock, log });
const openMs = performance.now() - startedMs;
const exports = openLoneExports(opened, clock);
const { store } = exports;
const blastRadius = { machines, percent: 100, perSeconds: 3600 };
const { tokens, sessions } = callersIn({ store, clock, random, log });
const app = operatorApp({
  models: modelsOf(store),
  blastRadius,
  deadlineSeconds: defaultDeadlineSeconds,
  tokens,
  sessions,
  backup: backupsIn(tmpdir(), opened),
  ...{
    store,
    clock,
    log,
    version: "bench",
    exports,
    catalogue: noCatalogue(),
    images: async () => [],
    networks: () => [],
    packetsOf: () => [],
  },
});
const server = await startOperatorServer({ path: socketPath, app, log });
process.send?.({ openMs, openCpuSeconds: cpuSeconds(), machines: store.list().length });

async function runStep(word: Word): Promise<object | number> {
  switch (word.do) {
    case "apply":
      return await applyAll(store, word);
    case "memory": {
      (globalThis as { gc?: () => void }).gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      return { rssMiB: mebibytes(rss), heapMiB: mebibytes(heapUsed) };
    }
    case "cpu":
      return cpuSeconds();
  }
}

async function applyAll(store: Store, word: Word & { do: "apply" }): Promise<number> {
  const { what, seconds, inFlight } = word;
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1000;
  let done = 0;
  const worker = async (first: number) => {
    for (let n = first; performance.now() < endMs; n += inFlight) {
      for (const event of eventsOf(n % machines, what)) {
        const decision = await store.apply(event);
        if (decision.kind === "refused") throw new Error(`refused: ${decision.refusal.message}`);
        done += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, first) => worker(first)));
  return Math.round(done / ((performance.now() - beganMs) / 1000));
}

/**
 * `states`: healthy → rebirth → healthy, both requested by an operator and so in the audit. `pxe`: what every DHCP
 * request of a known machine writes.
 */
function eventsOf(n: number, what: "states" | "pxe"): MachineEvent[] {
  const id = machineIdFromMac(fleetMac(n));
  if (what === "states")
    return [
      { kind: "rebirthAsked", id, by: "bench" },
      { kind: "rebirthCancelled", id, by: "bench" },
    ];
  const asked = { kind: "pxeAsked", mac: fleetMac(n), firmware: "uefi", network: "rack", nursery: true } as const;
  return [{ ...asked, stage: "firmware", answer: "local: offerThenNak" }];
}

/** Of all threads: on a busy computer a better measure than the clock. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

process.on("message", (word: Word) => {
  runStep(word).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ failed: error instanceof Error ? error.stack : String(error) }),
  );
});
await once(process, "disconnect");
await server[Symbol.asyncDispose]();
await opened[Symbol.asyncDispose]();
