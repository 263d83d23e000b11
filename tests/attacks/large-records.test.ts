import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import * as v from "valibot";
import { reportRequest } from "../../src/contract/machine-facing.ts";
import type { Hardware } from "../../src/core/hardware/hardware.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/store-suite.ts";
import { repeatAttack } from "./attack.ts";

const log = () => {};
const [machines, reports] = [61, 89];
const id = (n: number) => machineIdFromMac(testMac(n));

/** A scan whose JSON has some number of characters. */
function scanOf(n: number, characters: number): Hardware {
  const part = { path: "/dev/sda", serial: "s", wwn: "", sizeBytes: 1, bus: "sata" };
  const disk = { ...part, model: "x".repeat(characters), rotational: false, removable: false };
  return { ...hardware(testMac(n)), disks: [disk] };
}

test("61 machines with two reports of 1 MiB, and one with 89, grow the database by a few megabytes", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "birther-large-"));
  const path = join(directory, "mdb.sqlite");
  const clock = stillClock();
  try {
    {
      await using store = await openStore({ path, clock, log });
      for (let n = 1; n <= machines; n += 1) await store.apply(asks(n));
      await repeatAttack(t, 2 * machines + reports, async (round) => {
        const n = round < 2 * machines ? (round % machines) + 1 : 1;
        const event = { kind: "hardwareScanned", id: id(n), hardware: scanOf(n, 1 << 20) } as const;
        const { kind } = await store.apply(event);
        return kind === "refused" ? undefined : kind;
      });
      // Reports that are small enough one by one are limited together.
      let accepted = 0;
      for (let n = 0; n < reports; n += 1) {
        const event = { kind: "hardwareScanned", id: id(1), hardware: scanOf(1, 60_000 + n) } as const;
        if ((await store.apply(event)).kind === "changed") accepted += 1;
      }
      assert.ok(accepted > 0 && accepted < 10, `${accepted} large reports within a minute`);
    }
    const { size } = statSync(path);
    assert.ok(size < 8 << 20, `the database has ${size} bytes`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a server starts on a database with a record that is far too large: it is named, the others are there", async () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-large-"));
  const path = join(directory, "mdb.sqlite");
  const clock = stillClock();
  try {
    {
      await using store = await openStore({ path, clock, log });
      for (const n of [1, 2]) await store.apply(asks(n));
    }
    const database = new DatabaseSync(path);
    const swell = "UPDATE machines SET document = json_set(document, '$.network', ?) WHERE id = ?";
    database.prepare(swell).run("x".repeat(8 << 20), id(1));
    database.close();
    await using store = await openStore({ path, clock, log });
    assert.deepEqual([store.get(id(1)), store.get(id(2))?.id], [undefined, id(2)]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a report beyond the limits of its fields is refused where it arrives", () => {
  const item = (scan: Hardware) => ({ items: [{ kind: "hardware", hardware: scan }] });
  assert.equal(v.safeParse(reportRequest, item(scanOf(1, 10))).success, true);
  assert.equal(v.safeParse(reportRequest, item(scanOf(1, 5000))).success, false);
  const { disks } = scanOf(1, 10);
  const many = { ...scanOf(1, 10), disks: Array.from({ length: 10_000 }, () => disks[0]) };
  assert.equal(v.safeParse(reportRequest, { items: [{ kind: "hardware", hardware: many }] }).success, false);
});
