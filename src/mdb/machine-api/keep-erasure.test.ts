import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskErasure } from "../../core/erasure/erasure.ts";
import { mostErasures } from "../../core/erasure/stored-erasure.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { OrderAction } from "../../core/machine/state.ts";
import { birthOf, stillClock, testMac } from "../testing/fleet.ts";
import { openMemoryStore } from "../testing/memory-store.ts";
import { keepErasure } from "./keep-erasure.ts";

const erasure: DiskErasure = {
  disk: { path: "/dev/sda", serial: "S1", wwn: "", model: "M", sizeBytes: 1000 },
  steps: [
    {
      ...{ method: "headerOverwritten", what: "1 LUKS header", found: 1, startedAtMs: 1, endedAtMs: 2 },
      verification: { kind: "verified", how: "read back" },
    },
  ],
};

const of = (path: string): DiskErasure => ({ ...erasure, disk: { ...erasure.disk, path } });

async function open() {
  const clock = stillClock();
  const lines: string[] = [];
  const log = (...text: unknown[]) => void lines.push(JSON.stringify(text));
  const store = await openMemoryStore({ clock, log });
  for (const event of birthOf(1)) await store.apply(event);
  let seed = 0;
  const random = {
    bytes: (count: number) => {
      seed += 1;
      return new Uint8Array(count).fill(seed);
    },
  };
  const keep = async (action: OrderAction, generation = 1, path = "/dev/sda") => {
    const machine = store.get(machineIdFromMac(testMac(1))) ?? assert.fail();
    await keepErasure({ store, clock, random, log }, { machine, order: { generation, action } }, of(path));
  };
  return { store, keep, lines };
}

test("an order that erases nothing leaves no statement, whatever its machine reports", async () => {
  const { store, keep } = await open();
  for (const action of ["resume", "recover"] as const) await keep(action);
  assert.deepEqual(store.documents("erasure"), []);
  await keep("clean");
  await keep("clean");
  assert.equal(store.documents("erasure").length, 1, "the same boot, reported twice");
});

test("a machine that makes up disks replaces its own statements, and keeps no more than its order has disks", async () => {
  const { store, keep } = await open();
  for (let n = 0; n < 40; n += 1) await keep("clean", 1, `/dev/made-up-${n}`);
  assert.equal(store.documents("erasure").length, 16);
});

test("beyond the limit the oldest statement goes, and the log names it", async () => {
  const { store, keep, lines } = await open();
  const machine = machineIdFromMac(testMac(2));
  const about = { machine, generation: 1, bootId: "b", path: "/dev/sda", serial: "OLD", wwn: "", atMs: 1 };
  await Promise.all(
    Array.from({ length: mostErasures }, (_, n) =>
      store.putDocument({
        kind: "erasure",
        key: `1970${String(n).padStart(8, "0")}`,
        document: { ...about, statement: "{}" },
      }),
    ),
  );
  await keep("clean", 2);
  const kept = store.documents("erasure");
  assert.equal(kept.length, mostErasures);
  assert.equal(kept[0]?.key, "197000000001");
  assert.ok(lines.some((line) => line.includes("the oldest record of an erasure is dropped") && line.includes("OLD")));
});
