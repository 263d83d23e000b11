import { statSync } from "node:fs";
import { join } from "node:path";
import { type Phase, phases } from "../src/core/machine/phase.ts";
import { type ParameterName, type Parameters, parametersWith } from "../src/fleet/parameters.ts";
import { type Scenario, slotsNamed } from "../src/fleet/scenario.ts";
import { demoSwitch } from "../src/main/demo/plan.ts";
import { pathsIn } from "../src/main/paths.ts";
import { simulateSite } from "../src/main/simulate/run.ts";
import type { PeerCost } from "./calibrate-peer.ts";
import type { Mark, Measured } from "./calibrate-rack.ts";
import { calibrationConfig } from "./calibrate-site.ts";

/** The files that a machine fetches before it has a kernel, in bytes. */
export type BootFiles = Pick<Parameters, "loaderBytes" | "kernelBytes" | "initramfsBytes">;

export function bootFilesIn(stateDirectory: string): BootFiles {
  const { loaders, kernel, initramfs } = pathsIn(stateDirectory);
  const size = (path: string) => statSync(path).size;
  return {
    loaderBytes: size(join(loaders, "snponly.efi")),
    kernelBytes: size(kernel),
    initramfsBytes: size(initramfs),
  };
}

/** One phase of a machine alone, without the time that it waited for a processor; `demand`: how much of one it kept busy. */
type Alone = { readonly ms: number; readonly demand: number; readonly tookMs: number };

/** Each phase of the machine of a trial with one machine. */
function phasesOf(marks: readonly Mark[]): ReadonlyMap<Phase, Alone> {
  const found = new Map<Phase, Alone>();
  let before = { atMs: 0, cpuMs: 0, waitMs: 0 };
  for (const mark of marks) {
    const ms = Math.max(1, mark.atMs - before.atMs - (mark.waitMs - before.waitMs));
    found.set(mark.phase, { ms, demand: (mark.cpuMs - before.cpuMs) / ms, tookMs: Math.min(ms, mark.tookMs ?? 0) });
    before = mark;
  }
  return found;
}

export type Calibration = {
  readonly parameters: { readonly [Name in ParameterName]?: number };
  readonly demands: NonNullable<Scenario["host"]>["demands"];
};

/**
 * What one machine alone, on an uplink without limit, says of firmware, loader, kernel, init, agent and system. A machine alone sends
 * nothing to others: that costs as much of what it needs for the fetch as it does natively.
 */
export function calibrate(
  { marks: [marks = []], imageBytes }: Measured,
  { files, peer }: { readonly files: BootFiles; readonly peer: PeerCost },
): Calibration {
  const found = phasesOf(marks);
  const of = (phase: Phase): Alone => found.get(phase) ?? { ms: 0, demand: 0, tookMs: 0 };
  const perSecond = (bytes: number, ms: number) => (bytes * 1000) / Math.max(1, ms);
  const [firmware, loader, kernel, fetch] = [of("offered"), of("loaderSent"), of("kernelSent"), of("updating")];
  const shutdown = 2000;
  const fetchCpuMsPerMega = (fetch.demand * fetch.ms) / (imageBytes / 1e6);
  return {
    parameters: {
      ...files,
      ...{ firmware: firmware.ms, firmwareSpread: 0, powerSpread: 0, shutdown },
      tftpRate: perSecond(files.loaderBytes, loader.ms),
      loaderFetch: perSecond(files.kernelBytes + files.initramfsBytes, kernel.tookMs),
      loaderStart: kernel.ms - kernel.tookMs,
      kernelStart: of("initUp").ms,
      // The hardware scan is part of what the record counts until the end of the burn-in.
      ...{ scan: 0, burnIn: of("burnIn").ms, lldp: 0 },
      ...{ keys: of("keysMade").ms, partition: of("partitioned").ms, populate: of("populated").ms },
      scanTree: of("fetching").ms,
      agentFetch: perSecond(imageBytes, fetch.ms),
      peerSendsCpu: fetchCpuMsPerMega * (peer.sendSeconds / peer.fetchSeconds),
      place: of("rebooting").ms,
      systemStart: Math.max(0, of("up").ms - shutdown - firmware.ms),
    },
    demands: {
      // Not the loader: OVMF looks for a packet every 10 ms (MNP_SYS_POLL_INTERVAL), one for each block of TFTP, and spins in between.
      ...{ firmware: firmware.demand, loaderFetch: kernel.demand, loaderStart: kernel.demand },
      ...{ kernelStart: of("initUp").demand, burnIn: of("burnIn").demand, keys: of("keysMade").demand },
      ...{ partition: of("partitioned").demand, populate: of("populated").demand, scanTree: of("fetching").demand },
      ...{ agentFetch: fetch.demand, place: of("rebooting").demand, shutdown: of("up").demand },
      systemStart: of("up").demand,
    },
  };
}

/** When the simulated machines of a trial reached each phase, in milliseconds since their power came. */
export async function predict(
  trial: Measured,
  { parameters, demands }: Calibration,
  processors: number,
): Promise<readonly ReadonlyMap<Phase, number>[]> {
  const uplink = trial.uplinkMbps === undefined ? {} : { serverLink: trial.uplinkMbps * 125_000 };
  const scenario: Scenario = {
    ...{ racks: 1, machines: trial.machines, servers: 1, powerOn: { kind: "atOnce" }, failShare: 0, faults: [] },
    ...{ peers: true, seed: 1, limitMs: 4 * 3_600_000, slotOf: slotsNamed(demoSwitch.name, "swp{unit}") },
    // Links of a virtual rack are memory: only what tc shapes is narrow.
    parameters: parametersWith({ machineLink: 1e9, rackUplink: 1e9, serverLink: 1e9, ...parameters, ...uplink }),
    host: { processors, demands },
  };
  const config = calibrationConfig("/nowhere");
  const { machines, timeline, broken } = await simulateSite({ scenario, config, imageBytes: trial.imageBytes });
  if (broken[0] !== undefined) throw new Error(`the simulation broke a property: ${broken[0].what}`);
  return machines.map(({ disk }) => {
    const times = new Map<Phase, number>();
    let atMs = 0;
    const steps = timeline.stepsOf(disk?.id ?? "");
    for (const phase of phases) {
      const ms = steps.get(phase);
      if (ms === undefined) continue;
      atMs += ms;
      times.set(phase, atMs);
    }
    return times;
  });
}
