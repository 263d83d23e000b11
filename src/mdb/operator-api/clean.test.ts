import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "../../core/hardware/hardware.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { hardware } from "../../core/machine/testing/test-fleet.ts";
import { birthOf, testMac } from "../testing/fleet.ts";
import { openApp } from "../testing/operator-app.ts";

const id = machineIdFromMac(testMac(1));
const disk = (path: string, serial: string, more: Partial<Disk> = {}): Disk => ({
  ...{ path, serial, wwn: "", model: "", sizeBytes: 2 ** 34, rotational: false, removable: false, bus: "scsi" },
  ...more,
});

/** A healthy machine with two data disks and a stick, as its birth has scanned them. */
async function openWithDisks() {
  const site = await openApp(1);
  await site.store.apply({ kind: "rebirthAsked", id, by: "test" });
  const [, ...birth] = birthOf(1, 2);
  const disks = [
    disk("/dev/vda", "", { sizeBytes: 1 }),
    disk("/dev/sda", "D1"),
    disk("/dev/sdb", "D2"),
    disk("/dev/sdc", "U", { bus: "usb" }),
  ];
  for (const event of birth) {
    await site.store.apply(event);
    if (event.kind === "orderTaken")
      await site.store.apply({ kind: "hardwareScanned", id, hardware: { ...hardware(testMac(1)), disks } });
  }
  assert.equal(site.store.get(id)?.state, "healthy");
  return site;
}

const pending = ({ store }: Awaited<ReturnType<typeof openWithDisks>>) => store.get(id)?.erase;

test("a dry run names every disk that a clean would erase, and every one that it leaves; the clean then takes those", async () => {
  await using site = await openWithDisks();
  const clean = { action: "clean", select: { names: ["r01u1"] } };
  const plain = (await site.post("/v1/batch", { ...clean, dryRun: true })).json.results[0];
  assert.equal(plain.erases.length, 1);
  assert.match(plain.leaves.join("; "), /not touched: .*D1.*D2/);
  const all = { ...clean, allDisks: true, sanitize: "require" };
  const foreseen = (await site.post("/v1/batch", { ...all, dryRun: true })).json.results[0];
  assert.deepEqual(
    foreseen.erases.map((text: string) => /serial (\w+)/.exec(text)?.[1] ?? text),
    [plain.erases[0], "D1", "D2"].map((text) => /serial (\w+)/.exec(text)?.[1] ?? text),
  );
  assert.match(foreseen.leaves.join("; "), /not touched: \/dev\/sdc \(serial U.*on USB/);
  assert.equal(pending(site), undefined, "a dry run changes nothing");
  assert.equal((await site.post("/v1/batch", all)).status, 200);
  assert.deepEqual(
    [pending(site)?.sanitize, pending(site)?.disks?.map(({ serial }) => serial)],
    ["require", ["D1", "D2"]],
  );
  assert.equal((await site.ask("/v1/machines/r01u1")).json.erase.disks.length, 2);
});

test("another clean replaces what the first one erases, a cancel and a rebirth drop it", async () => {
  await using site = await openWithDisks();
  const clean = (body: object) => site.post("/v1/machines/r01u1/clean", body);
  await clean({ sanitize: "whereOffered", allDisks: true });
  await clean({ sanitize: "require" });
  assert.deepEqual(pending(site), { sanitize: "require" });
  await clean({});
  assert.equal(pending(site), undefined);
  await clean({ allDisks: true });
  assert.equal((await site.post("/v1/machines/r01u1/cancel", {})).status, 200);
  assert.equal(pending(site), undefined);
  await clean({ allDisks: true });
  await site.post("/v1/machines/r01u1/rebirth", {});
  assert.equal(pending(site), undefined);
});

test("a machine whose disks nobody has scanned is not cleaned of all of them, and a policy that nobody knows is refused", async () => {
  await using site = await openApp(1);
  const blind = await site.post("/v1/machines/r01u1/clean", { allDisks: true });
  assert.deepEqual([blind.status, blind.json.kind], [409, "wrongState"]);
  assert.match(blind.json.detail, /no scan on its record/);
  assert.equal((await site.post("/v1/machines/r01u1/clean", { sanitize: "maybe" })).status, 422);
  assert.equal((await site.post("/v1/machines/r01u1/rebirth", { sanitize: "require" })).status, 422);
});
