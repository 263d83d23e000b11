import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { trustOf } from "../../src/core/machine/trust.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import type { BoardFacts } from "./host/board.ts";
import { type FakeTpm, makeTpm } from "./host/devices/tpm.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite } from "./site/site.ts";

const storage = { allowUnencrypted: false, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
const plainAllowed = { ...storage, allowUnencrypted: true };
type Place = { readonly machine: TestMachine; readonly tpm: FakeTpm };

/** A BIOS machine with a TPM, on which an unencrypted disk is not allowed. */
function place(t: TestContext, facts: Partial<BoardFacts> = {}, settings: object = storage): Place {
  const site = openSite({ config: { storage: settings } });
  t.after(site.close);
  const tpm = makeTpm();
  return { machine: rackMachine(site, { firmware: "bios", tpm, ...facts }), tpm };
}

const record = ({ machine }: Place) => machine.site.machine(mac);
const encryptionOf = (at: Place) => record(at).storage?.encryption;
const reasonOf = (at: Place) =>
  record(at)
    .conditions.map(({ reason }) => reason)
    .join("; ");

function bornUp(at: Place): void {
  const { isUp, why } = comeUp(at.machine);
  assert.ok(isUp, `${why}; ${reasonOf(at)}`);
}

function startUp({ machine }: Place, trial: Trial = {}) {
  const { end, answer, kernel } = machine.boot(trial);
  assert.equal(answer.kind, "localDisk");
  assert.ok(end.kind === "stopped" && end.why.startsWith("watched"), JSON.stringify(end));
  return kernel;
}

const keysIn = ({ tpm }: Place) => tpm.nv.contents().map((data) => data.toString("hex"));
const headerOn = ({ machine: { board } }: Place) =>
  Buffer.from(board.disks.get("vda")?.read(257 * 2 ** 20 + 2 ** 20, 6) ?? []).toString("latin1");

/** The keys that erasure statements tell of. */
const keySteps = ({ machine: { site } }: Place) =>
  site
    .erasures()
    .flatMap(({ statement }) => (JSON.parse(statement) as ErasureStatement).steps)
    .filter(({ method }) => method === "keyDestroyed")
    .map(({ what, found, verification }) => ({ what, found, verified: verification.kind === "verified" }));

test("a BIOS machine with a TPM 2.0 is encrypted without allowUnencrypted: its TPM keeps the key, and gives it to the initrd alone", (t) => {
  const at = place(t);
  bornUp(at);
  assert.deepEqual(encryptionOf(at), { kind: "luks2", keyIn: "tpm" });
  assert.equal(trustOf(record(at)).disk, "tpm-key");
  assert.equal(trustOf(record(at)).unsealed, undefined);
  const [key = assert.fail("no key"), ...others] = keysIn(at);
  assert.deepEqual([key.length, others], [128, []]);
  for (let starts = 0; starts < 3; starts += 1) startUp(at);
  assert.deepEqual(keysIn(at), [key], "the trial of the birth is gone, the key is the same");
  for (const disk of at.machine.board.disks.values())
    for (let offset = 0; offset < 64 * 2 ** 20; offset += 2 ** 20)
      assert.ok(!Buffer.from(disk.read(offset, 2 ** 20)).includes(Buffer.from(key, "hex")), "the key is on no disk");
  assert.deepEqual(keySteps(at), [], "there was none before");
});

test("a machine that lost power before its first image resumes with the key in its TPM", (t) => {
  const at = place(t);
  assert.equal(at.machine.bootInit().end.kind, "switchedRoot");
  const before = keysIn(at);
  const resumed = at.machine.boot();
  assert.equal(resumed.answer.kind, "bootstrapImage");
  assert.deepEqual(resumed.end, { kind: "restarted", how: "restart" }, resumed.kernel.screen.join("\n"));
  startUp(at);
  assert.deepEqual(keysIn(at), before);
  assert.equal(record(at).generation, 1);
});

test("another kernel opens the disk as well", (t) => {
  const at = place(t);
  bornUp(at);
  const { site } = at.machine;
  site.apply({ kind: "detailsSet", id: record(at).id, by: "test", details: { requiredImage: "compute/2" } });
  bornUp(at);
  startUp(at);
});

for (const kind of ["rebirthAsked", "cleanAsked"] as const)
  test(`${kind}: the key in the TPM is destroyed and seen to be gone, and a new one is made`, (t) => {
    const at = place(t);
    bornUp(at);
    const [former] = keysIn(at);
    at.machine.site.apply({ kind, id: record(at).id, by: "test" });
    bornUp(at);
    const [key, ...others] = keysIn(at);
    assert.deepEqual([key?.length, others], [128, []]);
    assert.notEqual(key, former);
    assert.deepEqual(keySteps(at), [{ what: "1 disk key in the TPM (NV index)", found: 1, verified: true }]);
  });

test("a key goes with a rebirth that needs it no longer: for diskKeyInTpm never, and where UEFI keeps it", (t) => {
  const at = place(t);
  bornUp(at);
  const site = openSite({ config: { storage: { ...plainAllowed, diskKeyInTpm: "never" } } });
  t.after(site.close);
  const never = { machine: rackMachine(site, { firmware: "bios", tpm: at.tpm }), tpm: at.tpm };
  bornUp(never);
  assert.deepEqual(encryptionOf(never), {
    kind: "none",
    reason: "BIOS firmware has no variables; storage.diskKeyInTpm is never",
  });
  assert.deepEqual(keysIn(never), []);
  const uefi = place(t, { firmware: "uefi" });
  bornUp(uefi);
  assert.deepEqual([encryptionOf(uefi), keysIn(uefi)], [{ kind: "luks2", keyIn: "uefi-variable" }, []]);
});

test("a UEFI machine whose variables cannot be written keeps its key in the TPM", (t) => {
  const at = place(t, { firmware: "uefi" });
  const readOnly: Trial = {
    troubles: [{ call: "create", about: /efivars\/BirtherProbe/, trouble: { kind: "fails", errno: "EROFS" } }],
  };
  assert.ok(comeUp(at.machine, readOnly).isUp, reasonOf(at));
  assert.deepEqual(encryptionOf(at), { kind: "luks2", keyIn: "tpm" });
  startUp(at);
});

test("prefer: a UEFI machine keeps its key in the TPM; one whose TPM is full, and a rebirth without prefer, in a variable", (t) => {
  const at = place(t, { firmware: "uefi" }, { ...storage, diskKeyInTpm: "prefer" });
  bornUp(at);
  assert.deepEqual(encryptionOf(at), { kind: "luks2", keyIn: "tpm" });
  const [key, ...others] = keysIn(at);
  assert.deepEqual([key?.length, others], [128, []]);
  for (let starts = 0; starts < 2; starts += 1) startUp(at);
  const site = openSite({ config: { storage } });
  t.after(site.close);
  const later = { machine: rackMachine(site, { firmware: "uefi", tpm: at.tpm }), tpm: at.tpm };
  bornUp(later);
  assert.deepEqual([encryptionOf(later), keysIn(later)], [{ kind: "luks2", keyIn: "uefi-variable" }, []]);
  const full = place(t, { firmware: "uefi" }, { ...storage, diskKeyInTpm: "prefer" });
  Object.assign(full.tpm.nv, { room: 32 });
  bornUp(full);
  assert.deepEqual(encryptionOf(full), { kind: "luks2", keyIn: "uefi-variable" });
  const said = full.machine.site.log(mac).join("\n");
  assert.match(said, /goes into a UEFI variable instead of the TPM.*its memory for such data \(NV\) is full/);
});

const refusals: readonly (readonly [string, (tpm: FakeTpm) => void, RegExp])[] = [
  ["is full", ({ nv }) => Object.assign(nv, { room: 32 }), /its memory for such data \(NV\) is full \(0x14b\)/],
  [
    "has an owner password",
    ({ nv }) => Object.assign(nv, { ownerHasPassword: true }),
    /its owner hierarchy has a pass/,
  ],
];
for (const [title, spoil, expected] of refusals) {
  test(`a TPM that ${title}: no birth without allowUnencrypted, and the reason says why`, (t) => {
    const at = place(t);
    spoil(at.tpm);
    const { isUp } = comeUp(at.machine);
    assert.ok(!isUp);
    assert.match(reasonOf(at), expected);
    assert.match(reasonOf(at), /storage\.allowUnencrypted is false/);
    assert.equal(headerOn(at), "\0\0\0\0\0\0", "nothing was written");
  });
  test(`a TPM that ${title}: with allowUnencrypted the machine is born without encryption, and its record says why`, (t) => {
    const at = place(t, {}, plainAllowed);
    spoil(at.tpm);
    bornUp(at);
    const encryption = encryptionOf(at);
    assert.match(encryption?.kind === "none" ? encryption.reason : "", expected);
    startUp(at);
  });
}

test("no TPM, or one that gives no answer: as configured", (t) => {
  const site = openSite({ config: { storage: plainAllowed } });
  t.after(site.close);
  const without = { machine: rackMachine(site, { firmware: "bios" }), tpm: makeTpm() };
  bornUp(without);
  assert.deepEqual(encryptionOf(without), {
    kind: "none",
    reason: "BIOS firmware has no variables; there is no TPM 2.0",
  });
  const silent = place(t, {}, plainAllowed);
  const trial: Trial = { troubles: [{ call: "read", about: /tpmrm0/, trouble: { kind: "fails", errno: "EIO" } }] };
  assert.ok(comeUp(silent.machine, trial).isUp, reasonOf(silent));
  assert.deepEqual(encryptionOf(silent), {
    kind: "none",
    reason: "BIOS firmware has no variables; its TPM gave no answer in this boot",
  });
});

test("a TPM that is full with the former key of this machine is no obstacle to its rebirth", (t) => {
  const at = place(t);
  bornUp(at);
  at.tpm.nv.room = 64;
  at.machine.site.apply({ kind: "rebirthAsked", id: record(at).id, by: "test" });
  bornUp(at);
  assert.deepEqual(encryptionOf(at), { kind: "luks2", keyIn: "tpm" });
});

test("a TPM that was cleared: the disk stays shut and untouched; a rebirth makes a new key", (t) => {
  const at = place(t);
  bornUp(at);
  const before = headerOn(at);
  at.tpm.nv.clear();
  const found = bootFromDisk(at.machine.board);
  assert.match(found.kind === "nothingToBoot" ? found.why : "", /found none: it was cleared, or is another TPM/);
  assert.equal(headerOn(at), before);
  at.machine.site.apply({ kind: "rebirthAsked", id: record(at).id, by: "test" });
  bornUp(at);
  startUp(at);
});

test("a TPM that keeps the former key: the statement says that nobody saw it to be gone", (t) => {
  const at = place(t, {}, plainAllowed);
  bornUp(at);
  at.tpm.nv.keeps = true;
  at.machine.site.apply({ kind: "cleanAsked", id: record(at).id, by: "test" });
  comeUp(at.machine);
  assert.deepEqual(keySteps(at)[0], { what: "a disk key in the TPM", found: 0, verified: false });
});

for (const [life, commands] of [
  // Define, write, read back; then LUKS reads it twice.
  ["birth", 5],
  // Before that: look, remove, look.
  ["rebirth", 8],
] as const)
  test(`power is cut around each command that changes the key in a ${life}: the machine comes up with one key, which opens its disk`, (t) => {
    const cut = (cutAt?: number) => {
      const at = place(t);
      if (life === "rebirth") {
        bornUp(at);
        at.machine.site.apply({ kind: "rebirthAsked", id: record(at).id, by: "test" });
      }
      return { at, ...at.machine.boot(cutAt === undefined ? {} : { cutAt }) };
    };
    const { calls } = cut().kernel.cpu;
    const points = cutPoints(calls).filter((point) => calls[point - 1] === "write /dev/tpmrm0");
    for (const cutAt of points.slice(-commands)) {
      const { at } = cut(cutAt);
      bornUp(at);
      const found = [encryptionOf(at), keysIn(at).length];
      assert.deepEqual(found, [{ kind: "luks2", keyIn: "tpm" }, 1], `cut before call ${cutAt}`);
      startUp(at);
    }
  });
