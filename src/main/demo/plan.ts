import type { ConfigInput } from "../../contract/config/schema.ts";
import type { Firmware } from "../../core/machine/record.ts";
import { type MachineSpec, machineSpec } from "../../lab/machine-spec.ts";

/** The switch of the demo's rack, its bridge and the server's addresses there. */
export const demoSwitch = {
  name: "tor-1",
  bridge: { name: "rack0", addresses: ["10.77.0.1/24", "10.77.1.1/24"] },
} as const;

/** The images that the demo's rules choose from; all three hold the same plain Debian. */
export const demoImages = ["compute", "storage", "debug"] as const;

/** The configuration of the demo: what an operator would write for one rack, with a short burn-in. */
export function demoConfig(stateDirectory: string): ConfigInput {
  return {
    stateDirectory,
    networks: [
      {
        name: "rack",
        interface: demoSwitch.bridge.name,
        serverAddress: "10.77.0.1",
        prefix: "10.77.0.0/24",
        temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" },
        nursery: true,
        freshRack: true,
        permanent: { prefix: "10.77.1.0/24", serverAddress: "10.77.1.1" },
      },
    ],
    placement: {
      rules: [
        {
          switch: String.raw`tor-(?<rack>\d+)`,
          port: String.raw`swp(?<unit>\d+)`,
          hostname: "r{rack:2}u{unit:2}",
          address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } },
        },
      ],
    },
    images: [
      { image: "debug", when: { burnIn: "failed" } },
      { image: "storage", layout: "storage", when: { minStorageGiB: 100 } },
      { image: "compute" },
    ],
    burnIn: { cpuSeconds: 2, memoryPercent: 60, diskMiB: 32, networkMiB: 16 },
    // The rack's BIOS machines have no TPM to keep a key in. Real racks should refuse that.
    storage: {
      ...{ allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 },
      layouts: [{ name: "storage", swapMiB: 512, data: [{ mountPoint: "/srv/disk{n}" }] }],
    },
    retrySeconds: 30,
  };
}

/**
 * The rack's machines: alternating firmware kinds if mixed, three disk buses, and a big disk in every second machine.
 */
export function demoMachines(count: number, firmware: Firmware | "mixed", memoryMiB: number): readonly MachineSpec[] {
  // No AHCI, because the cloud kernel of the demo's image has no driver for it.
  const rootBuses = ["virtio", "nvme", "scsi"] as const;
  return Array.from({ length: count }, (_, i) => {
    const unit = i + 1;
    const kind = firmware !== "mixed" ? firmware : unit % 2 === 1 ? "bios" : "uefi";
    const root = { bus: rootBuses[i % rootBuses.length] ?? "virtio", sizeMiB: 8 * 1024, serial: `ROOT${unit}` };
    const data = { bus: "scsi", sizeMiB: 128 * 1024, serial: `DATA${unit}` } as const;
    return machineSpec(unit, { firmware: kind, memoryMiB, disks: unit % 2 === 0 ? [root, data] : [root] });
  });
}
