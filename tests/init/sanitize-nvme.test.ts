import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertBegun,
  callWhileErasing,
  deviceStep,
  hasOldData,
  machineToClean,
  reasonOf,
  sdDisk,
  statements,
} from "./cleaning.ts";
import { makeNvmeController, type NvmeFacts } from "./host/storage/nvme-device.ts";
import { mac } from "./machine.ts";

function nvme(facts: NvmeFacts) {
  const controller = makeNvmeController(facts);
  return { controller, disk: sdDisk("nvme0n1", "N1", { device: controller.of(1) }) };
}

const ways: { readonly [title: string]: { facts: NvmeFacts; method: string; what: RegExp } } = {
  "a crypto erase, if Sanitize offers it": {
    facts: { sanicap: 3, oacs: 2 },
    method: "nvmeSanitize",
    what: /^NVMe Sanitize, cryptographic erase, of all namespaces$/,
  },
  "a block erase, if Sanitize offers only that": {
    facts: { sanicap: 2, oacs: 2 },
    method: "nvmeSanitize",
    what: /^NVMe Sanitize, block erase/,
  },
  "Format with a crypto erase, without Sanitize": {
    facts: { oacs: 2, fna: 4 },
    method: "nvmeFormat",
    what: /^NVMe Format with cryptographic erase of namespace 1$/,
  },
  "Format with a user data erase, without both": {
    facts: { oacs: 10 },
    method: "nvmeFormat",
    what: /^NVMe Format with user data erase of namespace 1$/,
  },
};

for (const [title, { facts, method, what }] of Object.entries(ways))
  test(`an NVMe disk erases itself by ${title}; the statement says how, and how it was seen`, (t) => {
    const machine = machineToClean(t, { disks: [nvme(facts).disk], ask: { sanitize: "require" } });
    assertBegun(machine.bootInit());
    assert.ok(!hasOldData(machine, "nvme0n1"));
    const [statement = assert.fail()] = statements(machine);
    const step = deviceStep(statement) ?? assert.fail("no step of the device");
    assert.equal(step.method, method);
    assert.match(step.what, what);
    assert.match(step.verification.kind === "verified" ? step.verification.how : "", /none of 64 marks .* is left$/);
    assert.deepEqual(statement.outcome, { kind: "sanitized" }, "although its root was not encrypted");
    assert.ok(!statement.steps.some(({ method: other }) => other === "discarded"));
    const { state, erase } = machine.site.machine(mac);
    assert.deepEqual([state, erase], ["healthy", undefined]);
  });

test("a disk that offers nothing stops a clean that requires it before anything is written, and the condition says what to do", (t) => {
  const machine = machineToClean(t, { disks: [sdDisk("vda", "V")], ask: { sanitize: "require" } });
  const before = [...(machine.board.disks.get("vda")?.contents() ?? [])];
  machine.bootInit();
  assert.match(
    reasonOf(machine),
    /expected every disk to erase itself, found that these do not: \/dev\/vda \(serial V.*it is no NVMe, ATA or SCSI disk.*Nothing was written; .*--restart --sanitize where-offered/,
  );
  assert.deepEqual([...(machine.board.disks.get("vda")?.contents() ?? [])], before);
  machine.site.apply({
    ...{ kind: "cleanAsked", id: machine.site.machine(mac).id, by: "test", restart: true },
    sanitize: "whereOffered",
  });
  assertBegun(machine.bootInit());
  const [statement = assert.fail()] = statements(machine);
  const step = deviceStep(statement) ?? assert.fail("no step of the device");
  assert.equal(step.method, "deviceDeclined");
  assert.match(step.verification.kind === "unverified" ? step.verification.reason : "", /no NVMe, ATA or SCSI/);
  assert.equal(statement.outcome.kind, "notErased");
});

const refusals: { readonly [title: string]: { facts: NvmeFacts; reason: RegExp } } = {
  "has neither command": { facts: {}, reason: /neither Sanitize with a crypto or block erase nor Format NVM/ },
  "would erase a namespace that is not taken": {
    facts: { sanicap: 3, oacs: 2, fna: 2, namespaces: [1, 7] },
    reason: /its controller erases all of its namespaces together, also those that are not to be erased: 7/,
  },
};
for (const [title, { facts, reason }] of Object.entries(refusals))
  test(`an NVMe disk that ${title} is named before anything is written`, (t) => {
    const machine = machineToClean(t, { disks: [nvme(facts).disk], ask: { sanitize: "require" } });
    machine.bootInit();
    assert.match(reasonOf(machine), reason);
    assert.ok(hasOldData(machine, "nvme0n1"));
  });

test("of a controller with another namespace, only the one that is taken is formatted", (t) => {
  const controller = makeNvmeController({ sanicap: 3, oacs: 2 });
  const disks = [1, 2].map((id) => sdDisk(`nvme0n${id}`, "N", { wwn: `eui.${id}`, device: controller.of(id) }));
  const machine = machineToClean(t, { disks, ask: { sanitize: "require" } });
  assertBegun(machine.bootInit());
  assert.deepEqual([hasOldData(machine, "nvme0n1"), hasOldData(machine, "nvme0n2")], [false, true]);
  assert.equal(controller.received(0x84).length, 0);
});

test("a clean of all disks sanitizes a controller of two namespaces once, and each has its statement", (t) => {
  const controller = makeNvmeController({ sanicap: 3, oacs: 2 });
  const disks = [1, 2].map((id) => sdDisk(`nvme0n${id}`, "N", { wwn: `eui.${id}`, device: controller.of(id) }));
  const machine = machineToClean(t, { disks, ask: { sanitize: "require", allDisks: true } });
  assertBegun(machine.bootInit());
  assert.deepEqual([hasOldData(machine, "nvme0n1"), hasOldData(machine, "nvme0n2")], [false, false]);
  const said = statements(machine).map(({ disk: { path }, outcome }) => `${path} ${outcome.kind}`);
  assert.deepEqual(said.sort(), ["/dev/nvme0n1 sanitized", "/dev/nvme0n2 sanitized"]);
  assert.equal(controller.received(0x84).length, 2, "the second one joins the first");
});

const liars: { readonly [title: string]: { facts: NvmeFacts; reason: RegExp } } = {
  "says that it sanitized, and did not": {
    facts: { sanicap: 2, lies: true },
    reason: /let the disks erase themselves: \/dev\/nvme0n1: expected no mark after it erased itself, found 64 of 64/,
  },
  "says that it formatted, and did not": {
    facts: { oacs: 2, lies: true },
    reason: /expected no mark after it erased itself, found 64 of 64/,
  },
};
for (const [title, { facts, reason }] of Object.entries(liars))
  test(`a disk that ${title} is caught by the marks that were written before`, (t) => {
    const machine = machineToClean(t, { disks: [nvme(facts).disk], ask: { sanitize: "require" } });
    machine.bootInit();
    assert.match(reasonOf(machine), reason);
    assert.deepEqual(statements(machine), []);
  });

test("a failed sanitize operation fails the clean by name, and the next attempt erases the disk that takes neither reads nor writes", (t) => {
  const facts: { -readonly [K in keyof NvmeFacts]: NvmeFacts[K] } = { sanicap: 2, fails: true };
  const { controller, disk: one } = nvme(facts);
  const machine = machineToClean(t, { disks: [one], ask: { sanitize: "require" } });
  machine.bootInit();
  assert.match(reasonOf(machine), /sanitize status log says that the latest sanitize operation failed/);
  delete facts.fails;
  assertBegun(machine.bootInit());
  assert.equal(controller.received(0x84).length, 2);
  assert.ok(!hasOldData(machine, "nvme0n1"));
  assert.deepEqual(
    statements(machine).map(({ outcome }) => outcome.kind),
    ["sanitized"],
  );
});

const slow: NvmeFacts = { sanicap: 2, sanitizeMs: 600_000 };

test("a power cut while a disk erases itself: the next boot asks it first, waits, and does not begin anew", (t) => {
  const cutAt = callWhileErasing(t, nvme(slow).disk);
  const { controller, disk: one } = nvme(slow);
  const machine = machineToClean(t, { disks: [one], ask: { sanitize: "require" } });
  assert.notEqual(machine.bootInit({ cutAt }).end.kind, "switchedRoot");
  assert.equal(controller.received(0x84).length, 1);
  const again = machine.bootInit();
  assertBegun(again);
  assert.ok(again.kernel.screen.some((line) => line.includes("erasing themselves since before this start")));
  assert.equal(controller.received(0x84).length, 1, "once for both boots");
  const step = statements(machine).map(deviceStep).at(-1) ?? assert.fail("no step");
  assert.match(step.what, /^NVMe Sanitize that went on through a restart of the machine$/);
  assert.ok(!hasOldData(machine, "nvme0n1"));
});

test("a disk that ended its erasing while the machine was off is not erased anew: it says that nothing was written since", (t) => {
  const cutAt = callWhileErasing(t, nvme(slow).disk);
  const { controller, disk: one } = nvme(slow);
  const machine = machineToClean(t, { disks: [one], ask: { sanitize: "require" } });
  machine.bootInit({ cutAt });
  machine.site.world.nowMs += 3_600_000;
  assertBegun(machine.bootInit());
  assert.equal(controller.received(0x84).length, 1);
  const step = statements(machine).map(deviceStep).at(-1) ?? assert.fail("no step");
  assert.match(step.what, /^NVMe Sanitize of an earlier attempt$/);
  assert.match(
    step.verification.kind === "verified" ? step.verification.how : "",
    /completed, and nothing written since/,
  );
});

test("how far the disks are is on the record while they erase themselves", (t) => {
  const machine = machineToClean(t, { disks: [nvme(slow).disk], ask: { sanitize: "require" } });
  assertBegun(machine.bootInit());
  const heard = machine.site.progress().filter(({ what }) => what === "erase");
  assert.ok(heard.length >= 10, `${heard.length} reports`);
  assert.deepEqual(
    heard.map(({ done }) => done),
    heard.map(({ done }) => done).sort((one, other) => one - other),
  );
  assert.ok(heard.every(({ total }) => total === 100));
});
