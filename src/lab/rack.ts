import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Mac } from "../core/net/mac.ts";
import type { Log } from "../core/ports.ts";
import { startAnnouncer } from "./announcer.ts";
import { bridgeCommands, removalCommands, runStep } from "./bridge.ts";
import { buildMachine, type LabMachine } from "./machine.ts";
import type { MachineSpec } from "./machine-spec.ts";

export type RackOptions = {
  readonly machines: readonly MachineSpec[];
  /** The switch: its bridge's name and the server's addresses on it, e.g. `10.77.0.1/24`. */
  readonly bridge: { readonly name: string; readonly addresses: readonly string[] };
  /** The switch's name in LLDP, e.g. `tor-1`. */
  readonly switchName: string;
  /** Where machines keep their disks, variables and logs, one directory each. The caller removes it. */
  readonly directory: string;
  readonly log: Log;
};

/** A running virtual rack. Disposing it cuts the power of all machines and removes the switch. */
export type Rack = AsyncDisposable & {
  readonly machines: readonly LabMachine[];
  /** By name in the rack or MAC. */
  readonly find: (name: string) => LabMachine | undefined;
};

// The switch's base MAC: locally administered, so that no real switch has it.
const switchMac = "02:00:5e:b1:00:01" as Mac;

/** Builds switch and machines, all switched off. Must run in a network namespace of its own (namespace.ts). */
export async function startRack(options: RackOptions): Promise<Rack> {
  const { machines: specs, bridge, switchName, directory, log } = options;
  await access("/dev/net/tun", constants.R_OK | constants.W_OK).catch((cause) => {
    throw new Error(
      "starting the virtual rack: expected access to /dev/net/tun, found none; run as root, or give this user access",
      { cause },
    );
  });
  const ports = specs.map((spec, i) => ({
    tap: `tap${i + 1}`,
    port: spec.port,
    announcement: spec.announcement,
    lossPercent: spec.lossPercent,
    linkMbps: spec.linkMbps,
  }));
  const bridgeSpec = { ...bridge, mac: switchMac, ports };
  await runStep(bridgeCommands(bridgeSpec));
  const announcer = startAnnouncer({ systemName: switchName, chassis: switchMac }, ports, log);
  const machines = await Promise.all(
    specs.map((spec, i) => buildMachine(spec, `tap${i + 1}`, join(directory, spec.name), log)),
  );
  return {
    machines,
    find: (name) => machines.find((machine) => machine.name === name || machine.mac === name.toLowerCase()),
    [Symbol.asyncDispose]: async () => {
      announcer[Symbol.dispose]();
      await Promise.all(machines.map((machine) => machine.kill()));
      await runStep(removalCommands(bridgeSpec));
    },
  };
}
