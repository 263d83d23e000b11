import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import type { StoredErasure } from "../../src/core/erasure/stored-erasure.ts";
import type { BoardFacts } from "./host/board.ts";
import { kernelRelease } from "./host/devices/drivers.ts";
import { mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { caPem, openSite } from "./site/site.ts";

const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };

function newMachine(t: TestContext, facts: Partial<BoardFacts> = {}): TestMachine {
  const site = openSite({ config: { storage } });
  t.after(site.close);
  return rackMachine(site, facts);
}

function askFor({ site }: TestMachine, kind: "rebirthAsked" | "cleanAsked"): void {
  site.apply({ kind, id: site.machine(mac).id, by: "test" });
}

function begin(machine: TestMachine, trial?: Trial): void {
  const { end, kernel } = machine.bootInit(trial);
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
}

const read = ({ statement }: StoredErasure) => JSON.parse(statement) as ErasureStatement;
const last = ({ site }: TestMachine) => site.erasures().at(-1) ?? assert.fail("no erasure is kept");

test("a clean leaves a signed statement: disk, methods, times, verification; anyone can check it with the CA certificate", (t) => {
  const machine = newMachine(t);
  begin(machine);
  assert.deepEqual(machine.site.erasures(), [], "a new machine had nothing to destroy");
  askFor(machine, "cleanAsked");
  begin(machine);
  const { statement, signature } = last(machine);
  const said = read(last(machine));
  const { hostname, id, generation } = machine.site.machine(mac);
  assert.deepEqual([said.machine.hostname, said.machine.id, said.generation], [hostname, id, generation]);
  assert.equal(said.action, "clean");
  assert.deepEqual([said.disk.path, said.disk.serial, said.disk.sizeBytes], ["/dev/vda", "root-disk", 2 ** 32]);
  assert.deepEqual(said.outcome, { kind: "keysDestroyed" });
  assert.deepEqual(
    said.steps.map(({ method, found, verification }) => [method, found, verification.kind]),
    [
      ["keyDestroyed", 1, "verified"],
      ["headerOverwritten", 1, "verified"],
      ["discarded", 0, "unverified"],
    ],
  );
  const times = [...said.steps.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]), said.reportedAt];
  assert.ok(
    times.every((time) => Math.abs(Date.parse(time) - machine.site.world.nowMs) < 3_600_000),
    times.join(" "),
  );
  const proof = Buffer.from(signature?.value ?? "", "base64");
  const key = createPublicKey(caPem);
  assert.ok(verify("sha256", Buffer.from(statement), key, proof));
  assert.ok(!verify("sha256", Buffer.from(statement.replace("root-disk", "other-disk")), key, proof));
});

test("a BIOS machine's disk was not encrypted: the statement says that it is not erased", (t) => {
  const machine = newMachine(t, { firmware: "bios" });
  begin(machine);
  askFor(machine, "rebirthAsked");
  begin(machine);
  const { outcome, steps } = read(last(machine));
  assert.match(outcome.kind === "notErased" ? outcome.reason : "", /it was not encrypted: BIOS/);
  assert.deepEqual(
    steps.map(({ method, found }) => [method, found]),
    [
      ["headerOverwritten", 0],
      ["discarded", 0],
    ],
  );
});

/** A machine that was born, with old data in the middle of its disk that no header opens. */
function withOldData(t: TestContext, facts: Partial<BoardFacts>): TestMachine {
  const machine = newMachine(t, { firmware: "bios", ...facts });
  begin(machine);
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  // One of the places that are looked at afterwards.
  disk.write(2 ** 31 + 65_536 * 5, new Uint8Array(2 ** 26).fill(7));
  disk.flush();
  askFor(machine, "cleanAsked");
  return machine;
}

const discardOf = (machine: TestMachine) =>
  read(last(machine)).steps.find(({ method }) => method === "discarded")?.verification ?? assert.fail("no discard");

test("a disk that takes discards forgets old data that was not encrypted, and the statement says how that was seen", (t) => {
  const machine = withOldData(t, { discards: true });
  begin(machine);
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  assert.ok(disk.read(2 ** 31 + 65_536 * 5, 2 ** 26).every((byte) => byte === 0));
  assert.deepEqual(discardOf(machine), { kind: "verified", how: "64 of 64 samples of the disk read as zeros" });
  const { outcome } = read(last(machine));
  assert.match(outcome.kind === "notErased" ? outcome.reason : "", /discarded, and samples read as zeros$/);
});

test("a disk that only says that it discards, or takes none, is born as well, and the statement says so", (t) => {
  const liar = withOldData(t, { discards: true });
  begin(liar, { troubles: [{ call: "discard", trouble: { kind: "forgets" } }] });
  const seen = discardOf(liar);
  assert.match(seen.kind === "unverified" ? seen.reason : "", /the disk takes discards; \d\d of 64 samples/);
  const none = withOldData(t, {});
  begin(none);
  const refused = discardOf(none);
  assert.match(
    refused.kind === "unverified" ? refused.reason : "",
    /discard \/dev\/vda: Operation not supported; \d\d of/,
  );
});

test("variables that Linux cannot read: the statement says that nobody saw the key to be gone", (t) => {
  const machine = newMachine(t);
  begin(machine);
  askFor(machine, "rebirthAsked");
  begin(machine, { without: [`/lib/modules/${kernelRelease}/kernel/fs/efivarfs/efivarfs.ko`] });
  const { outcome, steps } = read(last(machine));
  const [keys] = steps;
  assert.match(keys?.verification.kind === "unverified" ? keys.verification.reason : "", /cannot be read: .*efivarfs/);
  assert.deepEqual(outcome, { kind: "keysDestroyed" }, "its headers are gone");
});

test("each attempt has its statement, a repeated report has none of its own, and a retired machine's stay", (t) => {
  const machine = newMachine(t);
  begin(machine);
  askFor(machine, "rebirthAsked");
  machine.bootInit({
    troubles: [{ call: "exec", about: /sfdisk/, trouble: { kind: "exits", status: 1, output: "" } }],
  });
  // The answer is lost, so that init reports it again.
  machine.bootInit({
    troubles: [{ call: "tlsRead", about: /:443/, from: 6, times: 1, trouble: { kind: "fails", errno: "ECONNRESET" } }],
  });
  const kept = machine.site.erasures();
  assert.equal(new Set(kept.map(({ bootId }) => bootId)).size, kept.length);
  assert.equal(kept.length, 2);
  assert.deepEqual(
    kept.map((one) => read(one).steps.map(({ found }) => found)),
    [
      [1, 1, 0],
      [1, 0, 0],
    ],
  );
  machine.site.apply({ kind: "retired", id: machine.site.machine(mac).id, by: "test" });
  assert.equal(machine.site.erasures().length, 2);
});

test("a machine that fails for ever keeps the statements of its first attempts, and its latest", (t) => {
  const machine = newMachine(t);
  begin(machine);
  askFor(machine, "rebirthAsked");
  const fails: Trial = {
    troubles: [{ call: "exec", about: /sfdisk/, trouble: { kind: "exits", status: 1, output: "" } }],
  };
  for (let attempt = 0; attempt < 18; attempt += 1) machine.bootInit(fails);
  const kept = machine.site.erasures();
  assert.equal(kept.length, 16);
  assert.equal(new Set(kept.map((one) => read(one).id)).size, 16);
});
