import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import * as v from "valibot";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { reportRequest } from "../../src/contract/machine/report.ts";
import type { Hardware } from "../../src/core/hardware/hardware.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
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

test("one machine that reports all that it may for five hours does not fill a disk of 120 MB", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "birther-large-"));
  const path = join(directory, "mdb.sqlite");
  const clock = stillClock();
  try {
    await using store = await openStore({ path, clock, log });
    await store.apply(asks(1));
    let written = 0;
    await repeatAttack(t, 300, async (minute) => {
      clock.pass(60_000);
      for (let n = 0; n < 10; n += 1) {
        const reason = `${minute}.${n} ${"x".repeat(60_000)}`;
        const { kind } = await store.apply({ kind: "failed", id: id(1), step: "test", reason });
        if (kind === "changed") written += reason.length;
      }
      const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
      return bytes < 24 << 20 ? undefined : `${bytes} bytes`;
    });
    assert.ok(written > 120 << 20, `${written} characters were accepted`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("reports that are small one by one are limited for each machine, whatever its addresses are", async (t) => {
  const clock = stillClock();
  const random = { bytes: (count: number) => randomBytes(count) };
  await using store = await openStore({ path: ":memory:", clock, log });
  const app = machineFacingApp({ store, config: testConfig(), clock, random, log });
  await store.apply(asks(1));
  const issued = await orderIssuer({ store, clock, random, orderSeconds: 600 })(id(1));
  const json = { "content-type": "application/json" };
  const post = (to: string, body: unknown, headers: { readonly authorization?: string } = {}) =>
    app.request(to, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
  const token = issued.kind === "issued" ? issued.token : assert.fail();
  const order = await post(paths.order, { token, mac: testMac(1), bootId: "boot", firmware: "bios" });
  const { session } = (await order.json()) as { session: string };
  const before = store.position();
  const item = { kind: "phase", phase: "burnIn", detail: "x".repeat(3000) };
  let refused: Response | undefined;
  await repeatAttack(t, 200, async () => {
    const answer = await post(paths.report, { items: Array(50).fill(item) }, { authorization: `Bearer ${session}` });
    if (answer.status === 429) refused = answer;
    return store.position() - before <= 600 ? undefined : `${store.position() - before} changes within a minute`;
  });
  assert.match(refused?.headers.get("retry-after") ?? "", /^\d+$/);
  const many = await post(paths.report, { items: Array(101).fill(item) }, { authorization: `Bearer ${session}` });
  assert.ok([422, 429].includes(many.status), `${many.status}`);
  clock.pass(60_000);
  const later = await post(paths.report, { items: [item] }, { authorization: `Bearer ${session}` });
  assert.equal(later.status, 200, "a minute later the machine is heard again");
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
