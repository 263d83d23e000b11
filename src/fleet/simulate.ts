import { machineIdFromMac } from "../core/machine/life/move.ts";
import type { Phase } from "../core/machine/phase.ts";
import type { MachineId } from "../core/machine/record.ts";
import type { Change, Clock } from "../core/ports.ts";
import { type Agenda, openAgenda } from "./engine/agenda.ts";
import { chanceFrom, seedOf } from "./engine/chance.ts";
import { openHost } from "./engine/host.ts";
import { run } from "./engine/script.ts";
import { type Fault, isMachineFault, type MachineFault } from "./faults.ts";
import { stopServing } from "./machine/agent.ts";
import { live } from "./machine/firmware.ts";
import { occupy } from "./machine/waits.ts";
import { buildMachines } from "./machines.ts";
import { openFlows } from "./network/flows.ts";
import { layWires } from "./network/wires.ts";
import type { Site, SiteDeps } from "./ports.ts";
import { openMeasures } from "./report/measures.ts";
import { openTimeline, type Timeline } from "./report/timeline.ts";
import { Rollout, type RolloutOutcome } from "./rollout.ts";
import { openSafety } from "./safety.ts";
import type { Scenario } from "./scenario.ts";
import type { Chassis, ServerSlot, World } from "./world.ts";

/** What came of a simulation. */
export type Outcome = {
  readonly scenario: Scenario;
  readonly world: World;
  readonly machines: readonly Chassis[];
  readonly timeline: Timeline;
  readonly site: Site;
  /** The end, in virtual milliseconds. */
  readonly endMs: number;
  /** Properties that were broken, with the transcript of the machine. */
  readonly broken: readonly { readonly what: string; readonly atMs: number; readonly transcript: readonly string[] }[];
  readonly rollout?: RolloutOutcome;
  /** Whether all machines are up that can be without a person. */
  readonly isComplete: boolean;
  /** The reason that an operator reads for a machine that is not up. */
  readonly whyNot: (machine: Chassis) => string;
};

/** The moment at which virtual time begins, in milliseconds since 1970: 2026-01-01. */
export const epochMs = 1_767_225_600_000;
/**
 * Of the polls of a machine that is up, one in ten is carried out, and one in ten minutes at least: the others would find the same, and
 * without peers 40,000 machines send millions of them before the last one is up. The server hears of each often enough (deadline of
 * phase up: 15 min).
 */
const idlePolls = 10;
/** Lines that are kept of each machine. */
const transcriptLines = 40;
/** Runs a scenario to its end; the same seed gives the same outcome. */
export async function simulate(options: {
  readonly scenario: Scenario;
  readonly openSite: (deps: SiteDeps) => Site;
  readonly serverAt: World["serverAt"];
  readonly compare?: World["compare"];
  readonly progressed?: (progress: { readonly nowMs: number; readonly up: number; readonly of: number }) => void;
  /** Ends the simulation early. */
  readonly isInterrupted?: () => boolean;
  readonly why: (machine: Parameters<Outcome["whyNot"]>[0], site: World, nowMs: number) => string;
}): Promise<Outcome> {
  const { scenario, progressed, isInterrupted = () => false } = options;
  const simulation = new Simulation(scenario, options);
  await simulation.start();
  let sayAgainMs = 0;
  while (!simulation.isOver && !isInterrupted() && simulation.step()) {
    if (simulation.hasMoved) await simulation.settle();
    const nowMs = simulation.agenda.nowMs();
    if (progressed === undefined || nowMs < sayAgainMs) continue;
    sayAgainMs = nowMs + 1000;
    progressed({ nowMs, up: simulation.up, of: simulation.machines.length });
  }
  return simulation.outcome(options.why);
}

function hostOf({ host }: Scenario): World["host"] {
  if (host === undefined) return undefined;
  const { processors, demands } = host;
  return { ...openHost(processors), demandOf: (work) => demands[work] ?? 0 };
}

class Simulation {
  readonly agenda: Agenda = openAgenda();
  readonly machines: readonly Chassis[];
  up = 0;
  readonly #scenario: Scenario;
  readonly #site: Site;
  readonly #world: World;
  readonly #timeline: Timeline;
  readonly #broken: Outcome["broken"][number][] = [];
  readonly #safety: ReturnType<typeof openSafety>;
  #awaited: number;
  /** Machines that work when the rollout begins. */
  #atWork: ReadonlySet<Chassis> = new Set();
  #rollout: Rollout | undefined;

  constructor(
    scenario: Scenario,
    { openSite, serverAt, compare }: Pick<Parameters<typeof simulate>[0], "openSite" | "serverAt" | "compare">,
  ) {
    const { agenda } = this;
    const { parameters, servers, racks, seed } = scenario;
    const startTimer = agenda.after;
    const clock: Clock = { nowMs: () => epochMs + Math.floor(agenda.nowMs()), monotonicMs: agenda.nowMs, startTimer };
    const random = chanceFrom(seedOf(seed, -1));
    this.#scenario = scenario;
    const changed = (server: number, change: Change) => this.#changed(server, change);
    this.#site = openSite({ clock, random, commitMs: parameters.commit, changed });
    this.machines = buildMachines(scenario, this.#site.nurseries);
    this.#timeline = openTimeline();
    this.#world = {
      ...{ agenda, flows: openFlows(agenda), parameters, serverAt, peers: scenario.peers },
      // With a rollout, machines hear of it with their next poll.
      idlePolls: scenario.rollout === undefined ? idlePolls : 1,
      ...(compare === undefined ? {} : { compare }),
      wires: layWires({
        ...{ servers, racks, serverRate: parameters.serverLink, rackRate: parameters.rackUplink },
        ...{ bootRate: parameters.serverSendsBoot, imageRate: parameters.serverSendsImages },
      }),
      servers: Array.from(
        { length: servers },
        (_, nth): ServerSlot => ({ nth, port: undefined, busyUntilMs: 0, packetsUntilMs: 0, cpuMs: 0 }),
      ),
      machinesById: new Map(),
      host: hostOf(scenario),
      measures: openMeasures(),
      cutRacks: new Set(),
      chance: chanceFrom(seedOf(seed, -2)),
      broken: (what, machine) => this.#break(what, machine),
      note: (machine, what) => {
        machine.transcript.push(`${(agenda.nowMs() / 1000).toFixed(3)} ${what}`);
        if (machine.transcript.length > transcriptLines) machine.transcript.shift();
      },
    };
    this.#safety = openSafety((what, id) => this.#break(what, this.#world.machinesById.get(id)));
    this.#awaited = this.machines.filter(({ isAwaited }) => isAwaited).length;
    const { rollout } = scenario;
    if (rollout === undefined) return;
    this.#atWork = new Set(this.machines.filter(({ rack, isAwaited }) => rack < rollout.racks && isAwaited));
    this.#rollout = new Rollout({ agenda, servers: this.#world.servers, machines: this.#atWork.size });
  }

  get isOver(): boolean {
    return this.#broken.length > 0 || (this.#awaited === 0 && this.#rollout?.isOver !== false);
  }

  async start(): Promise<void> {
    for (const slot of this.#world.servers) await this.#startServer(slot);
    await this.settle();
    const { faults, rollout } = this.#scenario;
    this.#switchOn(this.machines.filter(({ rack }) => rollout === undefined || rack < rollout.racks));
    for (const fault of faults) if (!isMachineFault(fault)) this.#schedule(fault);
  }

  #switchOn(machines: readonly Chassis[]): void {
    const { powerOn, parameters } = this.#scenario;
    const first = machines[0]?.rack ?? 0;
    for (const machine of machines) {
      const rackMs = powerOn.kind === "atOnce" ? 0 : powerOn.ms * (machine.rack - first);
      this.agenda.after(rackMs + machine.chance.between(0, parameters.powerSpread), () => this.#power(machine));
    }
  }

  /** Once all machines work that are to, an operator gives them the next version, and the other racks are switched on. */
  #beginRollout(): void {
    const { rollout } = this.#scenario;
    if (rollout === undefined || this.#rollout?.hasBegun !== false) return;
    for (const { upAtMs } of this.#atWork) if (upAtMs === undefined) return;
    this.#rollout.begin();
    this.#switchOn(this.machines.filter(({ rack }) => rack >= rollout.racks));
  }

  step(): boolean {
    return this.agenda.step(this.#scenario.limitMs);
  }

  /** Whether the servers have something to do: most events, such as those of links, leave them alone. */
  get hasMoved(): boolean {
    return this.#site.progress() !== this.#settledAt;
  }

  /** Lets the servers do all that they can do at this moment of virtual time. */
  async settle(): Promise<void> {
    const { progress } = this.#site;
    if (!this.hasMoved) return;
    do {
      this.#settledAt = progress();
      await new Promise((resolve) => setImmediate(resolve));
    } while (progress() !== this.#settledAt);
  }
  #settledAt = -1;

  outcome(why: (machine: Chassis, world: World, nowMs: number) => string): Outcome {
    return {
      ...{ scenario: this.#scenario, world: this.#world, machines: this.machines, timeline: this.#timeline },
      ...{ site: this.#site, endMs: this.agenda.nowMs(), broken: this.#broken },
      isComplete: this.#awaited === 0 && this.#rollout?.isOver !== false,
      ...(this.#rollout === undefined ? {} : { rollout: this.#rollout.outcome }),
      whyNot: (machine) => why(machine, this.#world, epochMs + this.agenda.nowMs()),
    };
  }

  async #startServer(slot: ServerSlot): Promise<void> {
    slot.port = await this.#site.open(slot.nth);
  }

  #power(machine: Chassis): void {
    if (machine.poweredAtMs === undefined) {
      machine.poweredAtMs = this.agenda.nowMs();
      this.#timeline.powered(machineIdFromMac(machine.mac), machine.poweredAtMs);
    }
    machine.running = run(live(this.#world, machine), () => this.#break("the life of a machine has ended", machine));
  }

  #cutPower(machine: Chassis): void {
    this.#world.note(machine, "fault: loses its power");
    machine.running?.stop();
    stopServing(machine);
  }

  /** A fault of the site begins and ends. */
  #schedule(fault: Exclude<Fault, MachineFault>): void {
    const { begin, end } = this.#fault(fault);
    this.agenda.after(fault.atMs, begin);
    this.agenda.after(fault.atMs + fault.forMs, end);
  }

  #fault(fault: Exclude<Fault, MachineFault>): { readonly begin: () => void; readonly end: () => void } {
    switch (fault.kind) {
      case "serverDies": {
        const slot = this.#world.servers[fault.server - 1];
        const begin = () => {
          slot?.port?.kill();
          if (slot !== undefined) slot.port = undefined;
        };
        return { begin, end: () => void (slot && this.#startServer(slot)) };
      }
      case "switchReboots": {
        const rack = fault.rack - 1;
        return { begin: () => this.#cutUplink(rack, true), end: () => this.#cutUplink(rack, false) };
      }
      case "powerCut": {
        const hit = this.machines.filter(({ rack }) => fault.racks.includes(rack + 1));
        const all = (act: (machine: Chassis) => void) => () => {
          for (const machine of hit) act(machine);
        };
        return { begin: all((machine) => this.#cutPower(machine)), end: all((machine) => this.#power(machine)) };
      }
    }
  }

  #cutUplink(rack: number, isCut: boolean): void {
    const { wires, cutRacks, flows, parameters } = this.#world;
    const uplink = wires.racks[rack];
    if (uplink === undefined) return;
    if (isCut) cutRacks.add(rack);
    else cutRacks.delete(rack);
    for (const link of [uplink.up, uplink.down]) {
      link.bytesPerMs = isCut ? 0 : parameters.rackUplink / 1000;
      flows.changed(link);
    }
  }

  #changed(server: number, change: Change): void {
    const { servers, parameters } = this.#world;
    const slot = servers[server];
    if (servers.length > 1 && slot !== undefined) occupy(this.#world, slot, parameters.serverShares);
    // Every server of a database hears of every change: one of them counts.
    if (this.#world.servers.findIndex(({ port }) => port !== undefined) !== server) return;
    this.#safety.changed(change);
    const { id, phase, phaseAtMs, state } = change.machine as {
      id: MachineId;
      phase?: Phase;
      phaseAtMs?: number;
      state: string;
    };
    if (phase !== undefined && phaseAtMs !== undefined) this.#timeline.reached(id, phase, phaseAtMs - epochMs);
    if (phase !== "up" || state !== "healthy") return;
    const machine = this.#world.machinesById.get(id);
    if (machine === undefined) return;
    if (this.#atWork.has(machine)) this.#rollout?.seen(change.machine);
    if (machine.upAtMs !== undefined) return;
    machine.upAtMs = this.agenda.nowMs();
    this.up += 1;
    if (machine.isAwaited) this.#awaited -= 1;
    this.#beginRollout();
  }

  #break(what: string, machine: Chassis | undefined): void {
    this.#broken.push({ what, atMs: this.agenda.nowMs(), transcript: machine?.transcript ?? [] });
  }
}
