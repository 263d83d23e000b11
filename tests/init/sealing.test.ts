import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { diskKeyVariable, sealedKeyVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { trustOf } from "../../src/core/machine/trust.ts";
import { testSeed } from "../support/seed.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import type { BoardFacts } from "./host/board.ts";
import { makeTpm } from "./host/devices/tpm.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite } from "./site/site.ts";

const storage = { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, allowUnencrypted: false, sealDiskKey: true };

/** A machine of a site that seals disk keys, with a system on its disk. */
function bornMachine(t: TestContext, facts: Partial<BoardFacts> = {}, trial: Trial = {}): TestMachine {
  const site = openSite({ config: { storage } });
  t.after(site.close);
  const machine = rackMachine(site, { tpm: makeTpm(), grubMeasures: true, ...facts });
  assert.ok(comeUp(machine, trial).isUp);
  return machine;
}

const state = ({ site }: TestMachine) => site.machine(mac).diskKey;
/** Why the record says that the key is not sealed, or what protects it instead. */
const unsealed = ({ site }: TestMachine) => {
  const { disk, unsealed } = trustOf(site.machine(mac));
  return unsealed ?? disk;
};
const variables = ({ board }: TestMachine) =>
  [diskKeyVariable, sealedKeyVariable].map((name) => board.nvram.root.entries.has(name));
const [plainAlone, sealedAlone] = [
  [true, false],
  [false, true],
];

function require({ site }: TestMachine, requiredImage: string): void {
  site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "test", details: { requiredImage } });
}

function filesOf({ board }: TestMachine) {
  const disk = bootFromDisk(board);
  return disk.kind === "nothingToBoot" ? assert.fail(disk.why) : disk;
}

test("the key is sealed after the first boot as written, and opens at the next ones", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  assert.deepEqual(state(machine), { kind: "sealed" });
  assert.deepEqual(variables(machine), sealedAlone);
  for (const failedEntries of [0, 3, 7]) {
    machine.board.facts = { ...machine.board.facts, failedEntries };
    assert.ok(comeUp(machine).isUp, `${failedEntries} failed entries`);
  }
});

test("an update with another kernel: its trial, and the boots after it, open the key", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  require(machine, "compute/2");
  assert.ok(comeUp(machine).isUp);
  machine.boot();
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
  assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone]);
});

test("a foreign initrd, configuration or program before the boot loader does not open the key", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  const { boot } = filesOf(machine);
  const whyClosed = () => {
    const disk = bootFromDisk(machine.board);
    return disk.kind === "nothingToBoot" ? disk.why : "opens";
  };
  const config = textIn(boot, "/grub/grub.cfg") ?? "";
  const change = (path: string, text: string) => {
    fillTree(boot).text(path, text);
    boot.sync();
  };
  change("/grub/grub.cfg", config.replace(" ro ", " ro init=/bin/sh "));
  assert.match(whyClosed(), /closed by PCR 8 and 9/);
  change("/grub/grub.cfg", config);
  assert.equal(whyClosed(), "opens");
  machine.board.facts = { ...machine.board.facts, failedEntries: 8 };
  assert.match(whyClosed(), /closed by PCR 4/);
  machine.board.facts = { ...machine.board.facts, failedEntries: 1, tpm: makeTpm() };
  assert.match(whyClosed(), /does not open.*Load/);
});

test("the key stays plain, and why: a boot not as written, another PCR 4, a TPM that does not seal", (t) => {
  const plain = (facts: Partial<BoardFacts>, trial: Trial = {}) => {
    const machine = bornMachine(t, facts, trial);
    machine.boot(trial);
    assert.deepEqual(variables(machine), plainAlone);
    const found = state(machine);
    return found?.kind === "plain" ? `${unsealed(machine)}: ${found.reason}` : assert.fail(JSON.stringify(found));
  };
  assert.match(plain({ grubMeasures: false }), /^unsealed-other-start: expected a boot as written/);
  assert.match(plain({ failedEntries: 9 }), /^unsealed-other-program: PCR 4 of .* after at most 7/);
  const full: Trial = {
    troubles: [{ call: "create", about: /BirtherDiskKeySealed/, trouble: { kind: "fails", errno: "ENOSPC" } }],
  };
  assert.match(plain({}, full), /^unsealed-failed: .*BirtherDiskKeySealed/);
});

test("without sealDiskKey, without a TPM and on BIOS firmware nothing is sealed, and the record says why", (t) => {
  for (const [facts, asked, why] of [
    [{ tpm: makeTpm(), grubMeasures: true }, { ...storage, sealDiskKey: false }, "unsealed-not-asked"],
    [{}, storage, "unsealed-no-tpm"],
    [{ tpm: makeTpm(), firmware: "bios" }, { ...storage, allowUnencrypted: true }, "tpm-key"],
  ] as const) {
    const site = openSite({ config: { storage: asked } });
    t.after(site.close);
    const machine = rackMachine(site, facts);
    assert.ok(comeUp(machine).isUp);
    machine.boot();
    assert.equal(state(machine), undefined);
    assert.equal(unsealed(machine), why);
    assert.equal(variables(machine)[1], false);
  }
});

test("a rebirth deletes the sealed key first, and seals the new one", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  machine.site.apply({ kind: "rebirthAsked", id: machine.site.machine(mac).id, by: "test" });
  machine.bootInit();
  assert.deepEqual(variables(machine), plainAlone);
  assert.ok(comeUp(machine).isUp);
  machine.boot();
  assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone]);
});

test("an update whose next boot cannot be sealed to is not begun: the machine keeps its kernel, and says why", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  const before = textIn(filesOf(machine).boot, "/grub/grub.cfg");
  require(machine, "compute/2");
  const trial: Trial = {
    troubles: [{ call: "write", about: /tpmrm0/, trouble: { kind: "fails", errno: "EIO" } }],
  };
  machine.boot(trial);
  const [failing] = machine.site.machine(mac).conditions.filter(({ kind }) => kind === "failing");
  assert.match(failing?.reason ?? "", /cannot be sealed to the next boot/);
  assert.equal(textIn(filesOf(machine).boot, "/grub/grub.cfg"), before);
  assert.ok(comeUp(machine).isUp, "with a TPM that works");
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
});

/** A sealed machine whose disk does not open, because a stranger has changed its command line. */
function lockedMachine(t: TestContext): TestMachine {
  const machine = bornMachine(t);
  machine.boot();
  const { boot } = filesOf(machine);
  fillTree(boot).text("/grub/grub.cfg", (textIn(boot, "/grub/grub.cfg") ?? "").replace(" ro ", " ro quiet "));
  boot.sync();
  assert.equal(bootFromDisk(machine.board).kind, "nothingToBoot");
  machine.site.world.nowMs += 120_000;
  return machine;
}

const failing = ({ site }: TestMachine) =>
  site.machine(mac).conditions.find(({ kind }) => kind === "failing")?.reason ?? "";

test("a locked machine is failing and never wiped; one recovery puts the key back, and the agent seals it anew", (t) => {
  const machine = lockedMachine(t);
  const { site } = machine;
  const { id } = site.machine(mac);
  for (let boots = 0; boots < 4; boots += 1) {
    machine.boot();
    site.world.nowMs += 120_000;
  }
  assert.match(failing(machine), /birther release r01u07 --recover/);
  assert.deepEqual(variables(machine), sealedAlone, "nothing is erased");
  site.apply({ kind: "recoveryAllowed", id, by: "test" });
  const { end, kernel } = machine.bootInit();
  assert.deepEqual(end, { kind: "restarted", how: "restart" }, kernel.screen.join("\n"));
  assert.deepEqual(variables(machine), [true, true], "the plain key is back");
  assert.ok(comeUp(machine).isUp);
  machine.boot();
  const { generation, conditions, recovery } = site.machine(mac);
  assert.deepEqual([generation, conditions, recovery], [1, [], undefined]);
  assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone]);
});

test("no recovery without an operator's word, for another TPM, twice, or of a key that is not sealed", (t) => {
  const machine = lockedMachine(t);
  const { site } = machine;
  const { id } = site.machine(mac);
  assert.equal(machine.bootInit().answer.kind, "localDisk", "nobody has allowed it");
  site.apply({ kind: "recoveryAllowed", id, by: "test" });
  const own = machine.board.facts;
  machine.board.facts = { ...own, tpm: makeTpm() };
  const stranger = machine.bootInit();
  assert.equal(stranger.end.kind, "restarted");
  assert.match(stranger.kernel.screen.join(" ").replace(/[\s*]+/g, " "), /bound to another TPM/);
  assert.deepEqual(variables(machine), sealedAlone);
  machine.board.facts = own;
  machine.bootInit();
  assert.deepEqual(variables(machine), [true, true]);
  assert.equal(machine.bootInit().answer.kind, "localDisk", "one recovery, one boot");

  const plain = bornMachine(t, { grubMeasures: false });
  plain.boot();
  assert.throws(
    () => plain.site.apply({ kind: "recoveryAllowed", id: plain.site.machine(mac).id, by: "test" }),
    /expected a sealed disk key/,
  );
});

test("the power is cut during a recovery: the key is back or was never away, and another recovery is possible", (t) => {
  const { calls } = allowed(t).bootInit().kernel.cpu;
  const points = cutPoints(calls).filter((cutAt) =>
    [cutAt - 1, cutAt].some((at) => /BirtherDiskKey|tpmrm0/.test(calls[at] ?? "")),
  );
  assert.ok(points.length >= 3, `${points.length} calls`);
  const every = process.env.POWER_CUTS === "all" ? 1 : 3;
  for (const [index, cutAt] of points.entries()) {
    if (index % every !== testSeed % every) continue;
    const machine = allowed(t);
    machine.bootInit({ cutAt });
    const [plain] = variables(machine);
    if (plain !== true) {
      machine.site.apply({ kind: "recoveryAllowed", id: machine.site.machine(mac).id, by: "test" });
      machine.bootInit();
    }
    assert.ok(comeUp(machine).isUp, `cut before ${calls[cutAt - 1]}`);
    machine.boot();
    assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone]);
  }
});

/** Each further command for the TPM never returns. */
const hangingTpm: Trial = { troubles: [{ call: "write", about: /tpmrm0/, trouble: { kind: "hangs" } }] };

test("after a recovery the TPM hangs: the agent goes on, the record says why, and the next boot seals the key", (t) => {
  const machine = allowed(t);
  machine.bootInit();
  machine.boot();
  machine.boot({ ...hangingTpm, minutes: 40 });
  const { lastSeenAtMs, conditions, phase } = machine.site.machine(mac);
  assert.ok(machine.site.world.nowMs - lastSeenAtMs < 60_000, "it polls");
  const found = state(machine);
  assert.match(found?.kind === "plain" ? found.reason : "", /the TPM or .* hang: 2 tries .* did not end; .*a restart/);
  assert.equal(unsealed(machine), "unsealed-gave-up");
  assert.deepEqual([conditions, phase, variables(machine)], [[], "up", [true, true]]);
  machine.boot();
  assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone]);
});

test("an update whose sealing hangs fails with that reason: the agent goes on, and the kernel stays", (t) => {
  const machine = bornMachine(t);
  machine.boot();
  require(machine, "compute/2");
  machine.boot({ ...hangingTpm, minutes: 60 });
  const { lastSeenAtMs } = machine.site.machine(mac);
  assert.ok(machine.site.world.nowMs - lastSeenAtMs < 60_000, "it polls");
  assert.match(failing(machine), /cannot be sealed to the next boot.*hang: 2 tries/);
  assert.ok(comeUp(machine).isUp, "with a TPM that works");
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
});

test("a TPM that hangs in the first boot of a new kernel does not keep the kernel from being confirmed", (t) => {
  // After a recovery the key is plain, so that each start tries to seal it.
  const machine = allowed(t);
  machine.bootInit();
  machine.boot();
  require(machine, "compute/2");
  assert.equal(machine.boot({ ...hangingTpm, minutes: 60 }).end.kind, "restarted", "into the new kernel");
  machine.boot({ ...hangingTpm, minutes: 5 });
  const { confirmed, required } = JSON.parse(textIn(filesOf(machine).root, "/var/lib/birther/kernels.json") ?? "");
  assert.ok(required !== undefined && confirmed === required, `confirmed ${confirmed}, required ${required}`);
  assert.ok(comeUp(machine).isUp);
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
});

/** A locked machine whose recovery an operator allows. */
function allowed(t: TestContext): TestMachine {
  const machine = lockedMachine(t);
  machine.site.apply({ kind: "recoveryAllowed", id: machine.site.machine(mac).id, by: "test" });
  return machine;
}

/** The calls around the first sealing and around a new configuration of the boot loader. */
const sealing = /BirtherDiskKey|disk-key|tpmrm0|grub|measured-boot/;

for (const [title, prepare] of [
  ["the key is sealed for the first time", (machine: TestMachine) => machine],
  [
    "an update seals it anew",
    (machine: TestMachine) => {
      machine.boot();
      require(machine, "compute/2");
      return machine;
    },
  ],
] as const)
  test(`the power is cut while ${title}: the machine comes up with its data, and its key is sealed`, (t) => {
    const prepared = () => prepare(bornMachine(t));
    const { calls } = prepared().boot().kernel.cpu;
    const points = cutPoints(calls).filter(
      (cutAt) => process.env.POWER_CUTS === "all" || [cutAt - 1, cutAt].some((at) => sealing.test(calls[at] ?? "")),
    );
    assert.ok(points.length >= 6, `${points.length} calls`);
    // A third of them in a usual run, others each time.
    const every = process.env.POWER_CUTS === "all" ? 1 : 3;
    const first = testSeed % every;
    for (const [index, cutAt] of points.entries()) {
      if (index % every !== first) continue;
      const unsynced = { kind: index % 2 === 0 ? "kept" : "lost" } as const;
      const machine = prepared();
      machine.boot({ cutAt, unsynced });
      const why = `cut before ${calls[cutAt - 1]}, ${unsynced.kind}`;
      const disk = bootFromDisk(machine.board);
      assert.equal(disk.kind, "boots", `${why}: ${JSON.stringify(Object(disk).why)}`);
      assert.ok(comeUp(machine).isUp, why);
      machine.boot();
      assert.equal(machine.site.machine(mac).generation, 1, why);
      assert.deepEqual([state(machine), variables(machine)], [{ kind: "sealed" }, sealedAlone], why);
    }
  });
