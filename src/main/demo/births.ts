import { counted } from "../../core/bytes/counted.ts";
import type { Phase } from "../../core/machine/phase.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Change, Store } from "../../core/ports.ts";
import type { LabMachine } from "../../lab/machine.ts";
import { consoleTail } from "./console-tail.ts";
import { describeEvent } from "./describe.ts";
import { type BirthLimits, type BirthOutcome, followProgress, judge, noProgress, type Progress } from "./outcome.ts";
import type { Painter } from "./painter.ts";
import { type MachineReport, reportMachine } from "./report.ts";
import { duration, type MachineRow, machineRow, phaseText } from "./view.ts";

/** One machine of the rack as the demo watches it. */
type Watched = {
  readonly lab: WatchedMachine;
  progress: Progress;
  outcome: BirthOutcome;
  latest: string;
  saidPhase: Phase | undefined;
};

/** The births of a rack: a live table of all machines and the outcome of each. */
export type Births = Disposable & {
  /** Resolves when every machine is up or has failed. */
  readonly settled: Promise<void>;
  readonly reports: () => readonly MachineReport[];
  /** Lines below the table. */
  readonly setFooter: (lines: readonly string[]) => void;
};

/** The parts of a virtual machine that the demo watches. */
type WatchedMachine = Pick<LabMachine, "name" | "mac" | "spec" | "consoleLogPath" | "power">;

export type BirthsOptions = {
  readonly machines: readonly WatchedMachine[];
  readonly store: Pick<Store, "watch" | "byMac">;
  readonly painter: Painter;
  readonly limits: BirthLimits;
  readonly nowMs: () => number;
};

const firmwareText = { bios: "SeaBIOS with iPXE's ROM", uefi: "OVMF with its own PXE" } as const;
const redrawMs = 250;
const margin = " ".repeat(14);
/** Lines of a failed machine's console: enough to see whether its firmware, its loader or its kernel was running. */
const consoleLines = 12;

/** Watches machines that were just switched on, until disposed. */
export function watchBirths(options: BirthsOptions): Births {
  const { store } = options;
  const view = new BirthsView(options);
  const endWatch = store.watch((change) => view.take(change));
  const timer = setInterval(() => view.tick(), redrawMs);
  return {
    settled: view.settled.promise,
    reports: () => view.reports(),
    setFooter: (lines) => {
      view.footer = lines;
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      endWatch();
      view.end();
    },
  };
}

/** Follows the machines of a rack, judges them, and draws the table. */
class BirthsView {
  readonly settled = Promise.withResolvers<void>();
  footer: readonly string[] = [];
  readonly #options: BirthsOptions;
  readonly #startedAtMs: number;
  readonly #watched: readonly Watched[];

  constructor(options: BirthsOptions) {
    this.#options = options;
    this.#startedAtMs = options.nowMs();
    this.#watched = options.machines.map((lab) => ({
      lab,
      progress: noProgress(this.#startedAtMs),
      outcome: { kind: "working" },
      latest: firmwareText[lab.spec.firmware],
      saidPhase: undefined,
    }));
  }

  /** Notes a change of a machine's record. */
  take({ machine, event }: Change): void {
    const { painter } = this.#options;
    const one = this.#watched.find((each) => machine.macs.includes(each.lab.mac));
    if (one === undefined) return;
    one.latest = describeEvent(event) ?? one.latest;
    if (event.kind === "failed") painter.note(this.#line(one, machine, one.latest));
    this.#notePhase(one, machine);
  }

  /** Judges all machines and draws the table. */
  tick(): void {
    const { store, painter } = this.#options;
    const nowMs = this.#options.nowMs();
    for (const one of this.#watched) this.#judge(one, nowMs);
    const rows = this.#watched.map(({ lab, latest }) => {
      const known = { name: lab.name, firmware: lab.spec.firmware, poweredOnAtMs: this.#startedAtMs };
      const row = machineRow(known, store.byMac(lab.mac), { latest, nowMs });
      return lab.power() === "on" ? row : { ...row, latest: `power ${lab.power()}` };
    });
    const seconds = (nowMs - this.#startedAtMs) / 1000;
    painter.draw({ title: title(rows), seconds, rows, footer: this.footer });
    if (this.#watched.every((one) => one.outcome.kind !== "working")) this.settled.resolve();
  }

  /** Draws the last table. The store tells a change after it is written, so the last phases may not have been told. */
  end(): void {
    this.tick();
    for (const one of this.#watched) this.#notePhase(one, this.#options.store.byMac(one.lab.mac));
  }

  reports(): readonly MachineReport[] {
    return this.#watched.map(({ lab, outcome }) => {
      const { mac, spec, consoleLogPath } = lab;
      const known = { mac, firmware: spec.firmware, consoleLogPath, poweredOnAtMs: this.#startedAtMs };
      return reportMachine(known, this.#options.store.byMac(mac), outcome);
    });
  }

  #notePhase(one: Watched, machine: Pick<Machine, "hostname" | "phase"> | undefined): void {
    if (machine?.phase === undefined || machine.phase === one.saidPhase) return;
    one.saidPhase = machine.phase;
    this.#options.painter.note(this.#line(one, machine, phaseText[machine.phase]));
  }

  #judge(one: Watched, nowMs: number): void {
    const { store, painter, limits } = this.#options;
    const machine = store.byMac(one.lab.mac);
    one.progress = followProgress(one.progress, machine, nowMs);
    if (one.outcome.kind === "up") return;
    const before = one.outcome;
    const given = { nowMs, startedAtMs: this.#startedAtMs, power: one.lab.power(), ...limits };
    one.outcome = judge(machine, one.progress, given);
    if (one.outcome.kind !== "failed" || before.kind === "failed") return;
    painter.say(this.#line(one, machine, `failed: ${one.outcome.reason}`));
    painter.say(`${margin}end of its console log ${one.lab.consoleLogPath}:`);
    for (const text of consoleTail(one.lab.consoleLogPath, consoleLines)) painter.say(`${margin}  ${text}`);
  }

  #line(one: Watched, machine: Pick<Machine, "hostname"> | undefined, text: string): string {
    const passed = duration((this.#options.nowMs() - this.#startedAtMs) / 1000);
    return `${passed.padStart(12)}  ${machine?.hostname ?? one.lab.name}: ${text}`;
  }
}

function title(rows: readonly MachineRow[]): string {
  const machines = counted(rows.length, "machine");
  return `Birther: ${machines} on a virtual rack, ${rows.filter((row) => row.mood === "up").length} up`;
}
