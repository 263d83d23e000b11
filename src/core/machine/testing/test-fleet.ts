/** The vocabulary of tests of machines' lives: events of numbered machines, and a fleet in memory. */

import type { Hardware } from "../../hardware/hardware.ts";
import { type ImageStream, imageFor } from "../../image/stream/image-stream.ts";
import type { Mac } from "../../net/mac.ts";
import { ip, macOf } from "../../net/testing/addresses.ts";
import type { Placement } from "../../site/placement.ts";
import type { Decision, MachineEvent } from "../event.ts";
import { boardTexts } from "../evidence.ts";
import { machineIdFromMac } from "../life/move.ts";
import { decide } from "../life/table.ts";
import type { Machine, MachineId } from "../record.ts";

/** The MAC address of the n-th machine, n below 256. */
export const mac = (n: number) => macOf(`0200000000${n.toString(16).padStart(2, "0")}`);
/** The id of the machine that is first seen with `mac(n)`. */
export const id = (n: number) => machineIdFromMac(mac(n));
/** The n-th unit of rack 1, with the name and address that follow from it. */
export const place = (unit: number): Placement => ({
  switchName: "tor-1",
  port: `swp${unit}`,
  position: { rack: "1", unit: String(unit) },
  hostname: `r01u0${unit}`,
  address: ip(`10.77.1.6${unit}`),
});
/** A scan that finds these NICs. */
export const hardware = (...macs: Mac[]): Hardware => ({
  cpus: 2,
  cpuModel: "model",
  memoryMiB: 1024,
  disks: [],
  nics: macs.map((address, n) => ({
    name: `eth${n}`,
    mac: address,
    driver: "d",
    speedMbps: 0,
    carrier: true,
    path: "p",
  })),
  firmware: "bios",
  secureBoot: false,
  bootTrust: "wire-trusted",
  tpm: false,
  watchdog: "",
  smbios: { vendor: "", product: "", serial: "", uuid: "" },
});
/** The n-th machine asks PXE, on a nursery if not said otherwise. */
export const asked = (n: number, more: Partial<Extract<MachineEvent, { kind: "pxeAsked" }>> = {}): MachineEvent => ({
  kind: "pxeAsked",
  mac: mac(n),
  firmware: "bios",
  network: "rack",
  nursery: true,
  stage: "firmware",
  answer: "loader",
  ...more,
});
/** A boot script is made for it. */
export const issued = (n: number, token = `token${n}`, expiresAtMs = 1e9): MachineEvent => ({
  kind: "orderIssued",
  id: id(n),
  tokenHash: token,
  expiresAtMs,
});
/** Its init presents the token; `by` is the machine whose NIC does it. */
export const taken = (n: number, token = `token${n}`, bootId = "boot", by = n): MachineEvent => ({
  kind: "orderTaken",
  id: id(n),
  mac: mac(by),
  tokenHash: token,
  bootId,
  sessionHash: `session${n}`,
});
/** It asks to be declared healthy at a unit. */
export const healthy = (n: number, generation: number, unit = n): MachineEvent => ({
  kind: "becameHealthy",
  id: id(n),
  generation,
  image: "compute",
  placement: place(unit),
  storage: {
    rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" },
    encryption: { kind: "none", reason: "test" },
  },
  subTokenHash: "sub",
});

/** The events of the birth of machine n, with the order of token `a`. */
export const birthOf = (n: number, generation: number): MachineEvent[] => [
  asked(n),
  issued(n, "a"),
  taken(n, "a", "boot1"),
  healthy(n, generation),
];

/** Its burn-in ends so. */
export const burnIn = (n: number, verdict: "passed" | "failed" | "skipped"): MachineEvent => ({
  kind: "burnInDone",
  id: id(n),
  report: {
    verdict,
    results: [
      {
        test: "disk",
        subject: "/dev/vda",
        ok: verdict !== "failed",
        durationMs: 1,
        figures: {},
        fault: "wrong bytes",
      },
    ],
  },
});

/** A fleet in memory, and what every Store does to it, without one. Each event takes 10 ms; `all` throws on a refusal. */
export function testFleet({ othersUpdate = false }: { readonly othersUpdate?: boolean } = {}) {
  const machines = new Map<MachineId, Machine>();
  let nowMs = 1000;
  let streams: readonly ImageStream[] = [];
  const find = (holds: (machine: Machine) => boolean) => [...machines.values()].find(holds);
  const apply = (event: MachineEvent): Decision => {
    nowMs += 10;
    const before = "id" in event ? machines.get(event.id) : find((machine) => machine.macs.includes(event.mac));
    const decision = decide(before, event, {
      nowMs,
      nameHolder: (name) => find((machine) => machine.hostname === name),
      addressHolder: (address) =>
        find((machine) => machine.permanentAddress === address || machine.temporaryAddress === address),
      macHolder: (address) => find((machine) => machine.macs.includes(address)),
      announcedAt: ({ switchName, port }) =>
        find(({ announced }) => announced?.place?.switchName === switchName && announced.place.port === port),
      machinesWith: (text) => [...machines.values()].filter((machine) => boardTexts(machine).includes(text)).length,
      byId: (wanted) => machines.get(wanted),
      imageFor: (wanted, of) => imageFor(streams, wanted, of),
      othersUpdate,
    });
    if (decision.kind === "changed") {
      for (const gone of decision.absorbed ?? []) machines.delete(gone);
      for (const other of decision.others ?? []) machines.set(other.id, other);
    }
    if (decision.machine !== undefined) machines.set(decision.machine.id, decision.machine);
    return decision;
  };
  const all = (...events: MachineEvent[]): void => {
    for (const event of events) {
      const decision = apply(event);
      if (decision.kind !== "changed") throw new Error(`refused: ${JSON.stringify(event)} ${JSON.stringify(decision)}`);
    }
  };
  const world = {
    apply,
    all,
    get: (n: number): Machine => {
      const machine = machines.get(id(n));
      if (machine === undefined) throw new Error(`there is no machine ${n}`);
      return machine;
    },
    /** The n-th record as a version wrote it that did not know this fact. */
    forget: (n: number, fact: keyof Machine): void => {
      const { [fact]: _unknown, ...older } = world.get(n);
      machines.set(id(n), older as Machine);
    },
    find: (wanted: MachineId) => machines.get(wanted),
    /** A record that another server or version has written. */
    put: (machine: Machine): void => {
      machines.set(machine.id, machine);
    },
    list: () => [...machines.values()],
    nowMs: () => nowMs,
    /** What the MDB holds about streams of images from now on. */
    setStreams: (held: readonly ImageStream[]): void => {
      streams = held;
    },
    later: (ms: number): void => {
      nowMs += ms;
    },
    /** The n-th machine becomes healthy at the n-th unit. */
    born: (n = 1) => {
      all(asked(n), issued(n), taken(n), healthy(n, 1));
      return world;
    },
  };
  return world;
}
