import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Hardware } from "../../src/core/hardware/hardware.ts";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { lessonsOf } from "../../src/core/pxe/local-boot/lesson.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";
import { type BootEnvironment, bootEnvironment, rackNetwork } from "./boot-environment.ts";

const mark = "THE DISK BOOTS";

/** What iPXE in a NIC's ROM says of itself; OVMF says nothing of its version on the console. */
const iPxeOf = { bookworm: /iPXE 1\.0\.0\+git-20190125/, trixie: /iPXE 1\.21\.1\+git2025/ } as const;
const releases = ["bookworm", "trixie"] as const;

/** Writes the mark to the first serial port and halts: 16-bit code of a boot sector. */
function bootSector(): Uint8Array {
  const text = new TextEncoder().encode(`${mark}\r\n\0`);
  // mov si,text; mov dx,3f8; next: lodsb; test al,al; jz halt; mov ah,al; wait: add dx,5; in al,dx; sub dx,5;
  // test al,20; jz wait; mov al,ah; out dx,al; jmp next; halt: hlt; jmp halt
  const code = [
    ...[0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x27, 0x7c, 0xba, 0xf8, 0x03],
    ...[0xac, 0x84, 0xc0, 0x74, 0x13, 0x88, 0xc4, 0x83, 0xc2, 0x05, 0xec, 0x83, 0xea, 0x05],
    ...[0xa8, 0x20, 0x74, 0xf5, 0x88, 0xe0, 0xee, 0xeb, 0xe9, 0x90, 0xf4, 0xeb, 0xfd],
  ];
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set(text, code.length);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

function writeDisk(machine: LabMachine, bytes: Uint8Array): void {
  const disk = openSync(machine.diskPaths[0] ?? assert.fail("no disk"), "r+");
  writeSync(disk, bytes, 0, bytes.length, 0);
  closeSync(disk);
}

/** Takes a machine through its birth, as far as the MDB knows. */
async function declareHealthy(place: BootEnvironment, { mac, spec }: LabMachine, unit: number): Promise<void> {
  const id = machineIdFromMac(mac);
  const hostname = `r01u0${unit}`;
  const address = ip(`10.77.1.${64 + unit}`);
  const placement = { switchName: "tor-1", port: spec.port, position: {}, hostname, address };
  const rootDisk = { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" };
  const hardware: Hardware = {
    ...{
      cpus: 1,
      cpuModel: "",
      memoryMiB: 1024,
      disks: [],
      nics: [],
      firmware: spec.firmware,
      secureBoot: false,
      tpm: false,
    },
    ...{ watchdog: "", smbios: spec.smbios },
  };
  const asked = { kind: "pxeAsked", mac, firmware: spec.firmware, network: "rack", nursery: true } as const;
  const events: readonly MachineEvent[] = [
    { ...asked, stage: "firmware", answer: "loader" },
    { kind: "orderIssued", id, tokenHash: "t", expiresAtMs: 9e12 },
    { kind: "orderTaken", id, mac, tokenHash: "t", bootId: "b", sessionHash: "s" },
    { kind: "hardwareScanned", id, hardware },
    {
      ...{ kind: "becameHealthy", id, generation: 1, image: "compute", placement },
      ...{ storage: { rootDisk, encryption: { kind: "none", reason: "test" } }, subTokenHash: "sub" },
    },
    { kind: "phaseSeen", id, phase: "rebooting" },
  ];
  for (const event of events) assert.equal((await place.store.apply(event)).kind, "changed", event.kind);
}

/** Seconds from the first DHCP answer until a machine's console matches. */
async function secondsToConsole(place: BootEnvironment, machine: LabMachine, says: RegExp): Promise<number> {
  await machine.powerOn();
  const first = await place.line(`a DHCP answer to ${machine.name}`, 600, ({ message, facts }) => {
    return message === "DHCP offer" && facts.mac === machine.mac;
  });
  const text = () => readFileSync(machine.consoleLogPath, "utf8");
  await waitFor(`${says} on the console`, 600, () => (says.test(text()) ? true : undefined)).catch((cause) => {
    throw new Error(text().slice(-3000), { cause });
  });
  return (performance.now() - first.atMs) / 1000;
}

await insideNamespace(import.meta.url, () => {
  const machines = releases.flatMap((release) =>
    (["bios", "uefi"] as const).map((firmware) => ({ release, firmware })),
  );
  for (const { release, firmware } of machines)
    test(`${firmware} of ${release}: with a local boot answer it continues at once; after it has come up, the method is remembered`, {
      timeout: 30 * 60_000,
    }, async (context: TestContext) => {
      const disks = [{ bus: "virtio", sizeMiB: 16, serial: "D1" }] as const;
      const machines = [machineSpec(1, { firmware, firmwareTree: await firmwareTreeOf(release), disks })];
      await using place = await bootEnvironment({ machines, network: rackNetwork({ allowForeignDhcp: true }) });
      const [machine] = place.rack.machines;
      assert.ok(machine);
      // An empty disk follows the network in OVMF's boot order, as our disks do (core/install).
      if (firmware === "bios") writeDisk(machine, bootSector());
      await declareHealthy(place, machine, 1);
      const says = firmware === "bios" ? new RegExp(mark) : /BdsDxe: failed to (load|start) [^\n]*PXEv4/;
      const seconds = await secondsToConsole(place, machine, says);
      context.diagnostic(
        `${firmware}: ${seconds.toFixed(1)} s from the first offer to ${firmware === "bios" ? "the disk's boot sector" : "the next boot entry"}`,
      );
      if (firmware === "bios") assert.match(readFileSync(machine.consoleLogPath, "utf8"), iPxeOf[release]);
      const answer = place.store.byMac(machine.mac)?.pxe.lastAnswer;
      assert.equal(answer, firmware === "bios" ? "local: scriptSanboot" : "local: offerThenNak");
      await place.store.apply({
        ...{ kind: "subSeen", id: machineIdFromMac(machine.mac), fromDisk: true, runningImage: "compute" },
      });
      const [lesson] = await waitFor("a lesson", 60, () =>
        lessonsOf(place.store).length > 0 ? lessonsOf(place.store) : undefined,
      );
      assert.deepEqual(
        [lesson?.product, lesson?.client, lesson?.scores],
        firmware === "bios"
          ? ["Virtual Server", "biosIpxe", { scriptSanboot: 1 }]
          : ["Virtual Server", "uefiPxe", { offerThenNak: 1 }],
      );
    });
});
