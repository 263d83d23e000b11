import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { EraseWish } from "../../src/core/erasure/erase-wish.ts";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import type { DiskFacts } from "./host/board.ts";
import type { Disk } from "./host/storage/block-device.ts";
import { type Boot, mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
/** A disk of 4 GiB. */
export const sdDisk = (name: string, serial: string, more: Partial<DiskFacts> = {}): DiskFacts => ({
  ...{ name, serial, sizeBytes: 4 * 2 ** 30, wwn: `eui.${serial}` },
  ...more,
});

/** A machine that was born and has old data on each disk, whose clean an operator has asked. */
export function machineToClean(
  t: TestContext,
  { disks, ask }: { disks: readonly DiskFacts[]; ask: Pick<EraseWish, "sanitize"> & { allDisks?: true } },
): TestMachine {
  const site = openSite({ config: { storage } });
  t.after(site.close);
  const machine = rackMachine(site, { firmware: "bios", disks });
  assertBegun(machine.bootInit());
  for (const one of machine.board.disks.values()) plant(one);
  site.apply({ kind: "cleanAsked", id: site.machine(mac).id, by: "test", ...ask });
  return machine;
}

/** Old data, far from everything that a birth writes. */
function plant(one: Disk): void {
  one.write(3 * 2 ** 30 + 5 * 4096, new Uint8Array(8192).fill(7));
  one.flush();
}
/** Whether a disk still has the old data. */
export const hasOldData = ({ board }: TestMachine, name: string) =>
  board.disks.get(name)?.read(3 * 2 ** 30 + 5 * 4096, 1)[0] === 7;

/** Init has handed over. */
export function assertBegun({ end, kernel }: Boot): void {
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
}

/** Why the machine is failing. */
export function reasonOf({ site }: TestMachine): string {
  return site.machine(mac).conditions.find(({ kind }) => kind === "failing")?.reason ?? "";
}
/** What the MDB has stated about erasures. */
export const statements = ({ site }: TestMachine) =>
  site.erasures().map(({ statement }) => JSON.parse(statement) as ErasureStatement);
/** What the disk did itself, or declined. */
export const deviceStep = ({ steps }: ErasureStatement) =>
  steps.find(({ method }) => /^(nvme|ata|scsi|device)/.test(method));

/** The number of the system call in a whole clean at which a slow disk is asked for the fortieth time: it erases itself then. */
export function callWhileErasing(t: TestContext, disk: DiskFacts): number {
  const machine = machineToClean(t, { disks: [disk], ask: { sanitize: "require" } });
  const { kernel } = machine.bootInit();
  const asked = kernel.cpu.calls.flatMap((call, index) => (/^(nvmeAdmin|scsiCommand) /.test(call) ? [index + 1] : []));
  return asked[39] ?? assert.fail("the disk was asked too seldom");
}
