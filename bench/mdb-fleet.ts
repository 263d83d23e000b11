import type { Hardware } from "../src/core/hardware/hardware.ts";
import { machineIdFromMac } from "../src/core/machine/life/move.ts";
import type { Machine, MachineIn } from "../src/core/machine/record.ts";
import type { Ipv4 } from "../src/core/net/ipv4.ts";
import type { Mac } from "../src/core/net/mac.ts";
import { macOf } from "../src/core/net/testing/addresses.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { birthOf, testMac } from "../src/mdb/testing/fleet.ts";

/** The MAC address of the n-th machine. */
export function fleetMac(n: number): Mac {
  return macOf((0x0200_0000_0000 + n).toString(16).padStart(12, "0"));
}

/**
 * The record of a machine after its birth: the result of decide() for a real machine's events, with the hardware of a
 * two-socket server.
 */
async function bornMachine(): Promise<MachineIn<"healthy">> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  await using store = await openStore({ path: ":memory:", clock, log: () => {} });
  const [asked, issued, taken, healthy] = birthOf(1);
  const id = machineIdFromMac(testMac(1));
  const results = (["cpu", "memory", "disk", "diskRead", "diskRead", "network"] as const).map((test) => ({
    ...{
      test,
      subject: "/dev/nvme0n1",
      ok: true,
      durationMs: 61_234,
      figures: { readMiBps: 3312.5, writeMiBps: 1820.25 },
    },
    fault: "",
  }));
  const seen = (
    ["keysMade", "partitioned", "populated", "handedOver", "fetching", "updating", "rebooting"] as const
  ).map((phase) => ({ kind: "phaseSeen", id, phase, durationMs: 1234, detail: "as planned" }) as const);
  const events = [
    ...[asked, issued, { kind: "phaseSeen", id, phase: "kernelSent" } as const, taken],
    { kind: "hardwareScanned", id, hardware: serverHardware(testMac(1), "") } as const,
    { kind: "burnInDone", id, report: { verdict: "passed", results } } as const,
    ...seen,
    healthy,
    { kind: "subSeen", id, runningImage: "compute/2026-08-01", upToDate: true } as const,
  ];
  for (const event of events) if (event !== undefined) await store.apply(event);
  const machine = store.get(id);
  if (machine?.state !== "healthy")
    throw new Error("making the fleet's sample machine: expected state healthy after its birth, found another one");
  return machine;
}

function serverHardware(mac: Mac, serial: string): Hardware {
  const disks = [0, 1, 2, 3].map((n) => ({
    ...{ path: `/dev/nvme${n}n1`, model: "Samsung PM9A3 1.92TB", serial: `S64FNE0R${serial}${n}`, bus: "nvme" },
    ...{ wwn: `eui.36344630525${n}`, sizeBytes: 1_920_383_410_176, rotational: false, removable: false },
  }));
  const nics = [0, 1].map((n) => ({
    ...{ name: `eth${n}`, mac, driver: "mlx5_core", speedMbps: 25_000, carrier: n === 0 },
    path: `pci0000:17/0000:17:0${n}.0/0000:18:00.0`,
  }));
  const smbios = { vendor: "Supermicro", product: "SYS-120U", serial, uuid: `4c4c4544-0044-${serial}` };
  return {
    ...{ cpus: 128, cpuModel: "Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz", memoryMiB: 524_288, disks, nics, smbios },
    ...{ firmware: "uefi", secureBoot: false, tpm: true, watchdog: "iTCO_wdt" },
  };
}

/** This number of machines, healthy and placed, forty per rack, one after the other. */
export async function* fleetOf(machines: number): AsyncGenerator<Machine, void, undefined> {
  const model = await bornMachine();
  for (let n = 0; n < machines; n += 1) {
    const mac = fleetMac(n);
    const [rack, unit] = [String(Math.floor(n / 40)), String(n % 40)];
    const hostname = `r${rack}u${unit}`;
    const address = (0x0a00_0100 + n) as Ipv4;
    const hardware = serverHardware(mac, String(n).padStart(8, "0"));
    yield {
      ...model,
      ...{ id: machineIdFromMac(mac), macs: [mac], hostname, permanentAddress: address },
      ...{ hardware, smbios: hardware.smbios, subTokenHash: n.toString(16).padStart(64, "0") },
      placement: { switchName: `tor-${rack}`, port: `swp${unit}`, position: { rack, unit }, hostname, address },
      ...{ tags: { tier: n % 10 === 0 ? "front" : "back" }, groups: [`team-${n % 7}`] },
    };
  }
}
