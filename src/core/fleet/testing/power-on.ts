import type { Condition } from "../../machine/condition.ts";
import { machineIdFromMac } from "../../machine/life/move.ts";
import { type Phase, phases } from "../../machine/phase.ts";
import type { Machine, MachineIn } from "../../machine/record.ts";
import { testMachine } from "../../machine/testing/test-machine.ts";
import { addToIpv4 } from "../../net/ipv4.ts";
import { ip, macOf } from "../../net/testing/addresses.ts";

/** How long a birth of the test fleet stays in each phase, in seconds. */
const secondsIn: { readonly [P in Phase]: number } = {
  ...{ offered: 2, loaderSent: 3, kernelSent: 30, initUp: 10, burnIn: 600, placed: 5, keysMade: 5, partitioned: 20 },
  ...{ populated: 20, handedOver: 15, fetching: 180, updating: 60, rebooting: 90, up: 0 },
};
/** The length of a birth of the test fleet that nothing holds up. */
export const birthMs = 1000 * Object.values(secondsIn).reduce((sum, seconds) => sum + seconds, 0);

type PowerOn = {
  readonly racks: number;
  readonly units: number;
  /** One rack is switched on after the other, this long apart. */
  readonly apartMs: number;
  readonly nowMs: number;
  /** When the first rack was switched on. */
  readonly beganMs: number;
  /** The condition of the machine at a rack and unit, if it has one. */
  readonly trouble?: (rack: number, unit: number) => Pick<Condition, "kind" | "reason"> | undefined;
};

/**
 * A fleet in the middle of its first power-on; every machine takes within a tenth as long as the others. The disk of unit 6
 * of rack 5 is slow.
 */
export function powerOn(of: PowerOn): Machine[] {
  const machines: Machine[] = [];
  for (let rack = 1; rack <= of.racks; rack += 1)
    for (let unit = 1; unit <= of.units; unit += 1) machines.push(machineAt(of, rack, unit));
  return machines;
}

function machineAt({ nowMs, beganMs, apartMs, units, trouble }: PowerOn, rack: number, unit: number): Machine {
  const two = (n: number) => String(n).padStart(2, "0");
  const mac = macOf(((rack - 1) * 256 + unit).toString(16).padStart(12, "0").replace(/^../, "02"));
  const pace = 0.9 + ((rack * 31 + unit * 17) % 21) / 100;
  let atMs = beganMs + (rack - 1) * apartMs;
  const timeline: { phase: Phase; atMs: number }[] = [];
  for (const phase of phases) {
    if (atMs > nowMs) break;
    timeline.push({ phase, atMs: Math.round(atMs) });
    atMs += secondsIn[phase] * 1000 * pace;
  }
  const last = timeline.at(-1);
  const hostname = `r${two(rack)}u${two(unit)}`;
  const address = addToIpv4(ip("10.77.0.0"), (rack - 1) * units + unit);
  const placement = {
    ...{ switchName: `tor-${rack}`, port: `swp${unit}`, hostname, address },
    position: { rack: String(rack), unit: String(unit) },
  };
  const given = trouble?.(rack, unit);
  const conditions: Condition[] = given === undefined ? [] : [{ ...given, sinceMs: last?.atMs ?? nowMs }];
  const common = {
    ...{ id: machineIdFromMac(mac), macs: [mac], network: "racks", firmware: "uefi" as const, timeline, conditions },
    ...{ createdAtMs: beganMs, lastSeenAtMs: nowMs },
    ...(last === undefined ? {} : { phase: last.phase, phaseAtMs: last.atMs }),
    smbios: { vendor: "Acme", product: "R640", serial: `S${rack}-${unit}`, uuid: "" },
  };
  const writeMiBps = rack === 5 && unit === 6 ? 120 : 900 + (unit % 7);
  const disk = {
    test: "disk",
    subject: "/dev/nvme0n1",
    ok: true,
    durationMs: 9000,
    figures: { writeMiBps },
    fault: "",
  } as const;
  const burnIn = { verdict: "passed", results: [disk] } as const;
  const reached = last === undefined ? -1 : phases.indexOf(last.phase);
  if (reached < phases.indexOf("handedOver"))
    return testMachine("birth", { ...common, ...(reached < phases.indexOf("initUp") ? {} : { placement }) });
  const running = last?.phase === "up" ? { runningImage: "compute/1" } : {};
  const installed: Partial<MachineIn<"healthy">> = {
    burnIn,
    hostname,
    permanentAddress: address,
    placement,
    ...running,
  };
  return testMachine("healthy", { ...common, ...installed, requiredImage: "compute/1", imageStream: "compute" });
}
