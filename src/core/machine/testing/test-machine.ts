import { ip, macOf } from "../../net/testing/addresses.ts";
import { machineIdFromMac } from "../life/move.ts";
import type { MachineIn } from "../record.ts";
import type { MachineState } from "../state.ts";

const mac = macOf("52:54:00:00:00:01");

const common = {
  ...{ id: machineIdFromMac(mac), revision: 1, createdAtMs: 0, macs: [mac], generation: 1 },
  ...{ conditions: [], lastSeenAtMs: 0, timeline: [] },
  pxe: { requests: 1, responses: 1, lastRequestAtMs: 0, lastAnswer: "" },
} as const;

/** Born at port 7 of switch tor-1 as r01u07, 10.77.1.71. */
const installed = {
  ...{ hostname: "r01u07", permanentAddress: ip("10.77.1.71"), requiredImage: "compute", subTokenHash: "hash" },
  placement: {
    ...{ switchName: "tor-1", port: "swp7", position: { rack: "1", unit: "7" } },
    ...{ hostname: "r01u07", address: ip("10.77.1.71") },
  },
  storage: {
    rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only one" },
    encryption: { kind: "none", reason: "test" },
  },
} as const;

const machines: { readonly [S in MachineState]: MachineIn<S> } = {
  unknown: { ...common, state: "unknown" },
  birth: { ...common, state: "birth" },
  healthy: { ...common, ...installed, state: "healthy" },
  rebirth: { ...common, ...installed, state: "rebirth" },
  clean: { ...common, ...installed, state: "clean" },
};

/** A record with what a machine in this state surely has, and with the facts that a test is about. */
export function testMachine<S extends MachineState>(
  state: S,
  facts: Partial<Omit<MachineIn<S>, "state">> = {},
): MachineIn<S> {
  return { ...machines[state], ...facts };
}
