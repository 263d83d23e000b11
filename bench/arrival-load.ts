/**
 * The machines of bench/arrival: those of the simulator, in real time, on a real wire. Firmware, burn-in and disks take no
 * time, and of the image no byte is fetched; everything that the server answers is asked for.
 */

import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Agenda } from "../src/fleet/engine/agenda.ts";
import { chanceFrom } from "../src/fleet/engine/chance.ts";
import { run } from "../src/fleet/engine/script.ts";
import { live } from "../src/fleet/machine/firmware.ts";
import { buildMachines } from "../src/fleet/machines.ts";
import { openFlows } from "../src/fleet/network/flows.ts";
import { layWires } from "../src/fleet/network/wires.ts";
import { parameterNames, parametersWith } from "../src/fleet/parameters.ts";
import { type Measures, openMeasures, percentilesOf } from "../src/fleet/report/measures.ts";
import type { Chassis, World } from "../src/fleet/world.ts";
import { siteNames } from "../src/main/simulate/config.ts";
import { misdeedOf } from "./arrival-misbehave.ts";
import { openPorts } from "./arrival-port.ts";
import { perRack, type ServerAt } from "./arrival-site.ts";

/** What the load does, as one JSON argument. */
export type LoadPlan = {
  readonly servers: readonly ServerAt[];
  readonly caPath: string;
  /** Machines that arrive before the measurement, and go on polling. */
  readonly working: number;
  readonly machines: number;
  readonly perSecond: number;
  /** Every n-th machine misbehaves. */
  readonly misbehavingEvery?: number;
  /** The image to which the working machines are moved meanwhile. */
  readonly movedTo?: string;
  readonly limitSeconds: number;
};

/** A line of the load's output. */
export type LoadLine =
  | { readonly kind: "begun" }
  | { readonly kind: "progress"; readonly up: number }
  | { readonly kind: "result"; readonly result: object };

const plan = JSON.parse(process.argv[2] ?? "{}") as LoadPlan;
const { working, perSecond, movedTo, limitSeconds } = plan;
const count = working + plan.machines;
const say = (line: LoadLine) => process.stdout.write(`${JSON.stringify(line)}\n`);

const agenda: Agenda = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    if (ms <= 0) {
      const soon = setImmediate(act);
      return () => clearImmediate(soon);
    }
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  step: () => false,
  events: () => 0,
};
/** What is measured now: whatever the working machines do while they arrive does not count. */
let current = openMeasures();
const measures: Measures = {
  request: (kind, ms) => current.request(kind, ms),
  dhcp: (ms) => current.dhcp(ms),
  requests: () => current.requests(),
  unansweredDhcp: () => current.unansweredDhcp(),
};
const faults = new Map<string, number>();
const failed = (what: string) => void faults.set(what, (faults.get(what) ?? 0) + 1);
const startedMs: number[] = [];
const upAtMs = new Map<number, number>();
const movedAtMs = new Map<number, number>();
/** Those of before the measurement behave. */
const misdeed = (nth: number) => (nth < working ? undefined : misdeedOf(nth - working, plan.misbehavingEvery));

const atOnce = Object.fromEntries(
  parameterNames
    .filter((name) =>
      /^(firmware|loaderStart|kernelStart|scan|lldp|burnIn|partition|populate|scanTree|place|shutdown|systemStart|latency|server(Dhcp|Script|Handshake|Request))/.test(
        name,
      ),
    )
    .map((name) => [name, 0]),
);
const fast = {
  ...{ machineLink: 1e15, rackUplink: 1e15, serverLink: 1e15, serverSendsImages: 1e15, serverSendsBoot: 1e15 },
  ...{ tftpRate: 1e15, agentFetch: 1e15, diskWrite: 1e15 },
};
const parameters = parametersWith({ ...atOnce, ...fast });
const racks = Math.ceil(count / perRack);
const serverCount = plan.servers.length;
const machines = buildMachines(
  {
    ...{ racks, machines: perRack, servers: serverCount, parameters, powerOn: { kind: "atOnce" } },
    ...{ failShare: 0, faults: [], peers: false, seed: 1, limitMs: 0, ...siteNames },
  },
  ["racks"],
).slice(0, count);

/** MAC addresses are counted from 02:00:00:00:00:01. */
const nthOf = (text: string) => Number.parseInt(text.replace(/^m-|:/g, ""), 16) - 0x020000000001;
const ports = await openPorts(plan.servers, {
  ...{ caPem: readFileSync(plan.caPath, "utf8"), measures, failed, nthOf, misdeedOf: misdeed },
  isUp: (nth) => {
    if (!upAtMs.has(nth)) upAtMs.set(nth, agenda.nowMs());
    if (machines[nth]?.disk?.image === movedTo && !movedAtMs.has(nth)) movedAtMs.set(nth, agenda.nowMs());
  },
});
const nthByAddress = new Map(
  plan.servers.flatMap((at, nth) => [at.temporary, at.permanent].map((text) => [text, nth])),
);
const world: World = {
  ...{ agenda, flows: openFlows(agenda), parameters, peers: false, idlePolls: 1, measures },
  ...{ machinesById: new Map(), cutRacks: new Set<number>() },
  wires: layWires({ servers: serverCount, racks, serverRate: 1e15, bootRate: 1e15, imageRate: 1e15, rackRate: 1e15 }),
  servers: ports.map((port, nth) => ({ nth, port, busyUntilMs: 0, packetsUntilMs: 0, cpuMs: 0 })),
  serverAt: (address) => nthByAddress.get(address),
  chance: chanceFrom(1),
  broken: (what) => failed(`BROKEN: ${what}`),
  note: ({ nth }, what) => {
    if (misdeed(nth) === undefined && /refused|: expected|poll: (?!503)|no answer/.test(what))
      failed(what.slice(0, 80));
  },
};

function switchOn(machine: Chassis): void {
  startedMs[machine.nth] = agenda.nowMs();
  machine.running = run(live(world, machine), () => failed("the life of a machine has ended"));
}

function arrive(some: readonly Chassis[]): void {
  for (const [nth, machine] of some.entries()) agenda.after((nth / perSecond) * 1000, () => switchOn(machine));
}

async function until(isThere: () => boolean): Promise<number> {
  const beganMs = agenda.nowMs();
  while (!isThere() && agenda.nowMs() - beganMs < limitSeconds * 1000) {
    say({ kind: "progress", up: upAtMs.size });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return agenda.nowMs() - beganMs;
}

const before = machines.slice(0, working);
const measured = machines.slice(working);
const awaited = measured.filter(({ nth }) => misdeed(nth) === undefined);
const areUp = (some: readonly Chassis[]) => some.every(({ nth }) => upAtMs.has(nth));

arrive(before);
await until(() => areUp(before));
current = openMeasures();
faults.clear();
say({ kind: "begun" });
const beganCpu = process.cpuUsage();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
arrive(measured);
const areMoved = () => movedTo === undefined || before.every(({ nth }) => movedAtMs.has(nth));
const tookMs = await until(() => areUp(awaited) && areMoved());

const born = awaited.flatMap(({ nth }) => {
  const at = upAtMs.get(nth);
  return at === undefined ? [] : [{ at, tookMs: at - (startedMs[nth] ?? 0) }];
});
const ats = born.map(({ at }) => at).sort((one, other) => one - other);
// Without the first and the last tenth, in which not all of the wire is in use.
const [from, to] = [Math.floor(ats.length / 10), Math.ceil(ats.length * 0.9) - 1];
const sustained = (to - from) / (((ats[to] ?? 0) - (ats[from] ?? 0)) / 1000);
const { user, system } = process.cpuUsage(beganCpu);
const misbehaving = measured.length - awaited.length;
const result = {
  ...{ machines: measured.length, up: born.length, lost: awaited.length - born.length, offeredPerSecond: perSecond },
  ...(misbehaving === 0 ? {} : { misbehaving }),
  ...(movedTo === undefined ? {} : { working, moved: before.filter(({ nth }) => movedAtMs.has(nth)).length }),
  seconds: Math.round(tookMs / 100) / 10,
  birthsPerSecond: Math.round(sustained * 10) / 10,
  birthMs: percentilesOf(born.map(({ tookMs }) => tookMs)),
  requestsMs: Object.fromEntries(measures.requests()),
  unansweredDhcp: measures.unansweredDhcp(),
  loadCpuMsPerBirth: Math.round((user + system) / 100 / Math.max(1, born.length)) / 10,
  loadLoopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, most: delay.max / 1e6 },
  faults: Object.fromEntries(faults),
};
say({ kind: "result", result });
process.stdout.write("", () => process.exit(0));
