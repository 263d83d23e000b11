import type { Machine, Phase } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";
import type { LabMachine } from "../../lab/machine.ts";
import { consoleTail } from "./console-tail.ts";
import { describeEvent } from "./describe.ts";
import { type BirthLimits, type BirthOutcome, followProgress, judge, noProgress, type Progress } from "./outcome.ts";
import type { Painter } from "./painter.ts";
import { type MachineReport, reportMachine } from "./report.ts";
import { duration, type MachineRow, machineRow, phaseText } from "./view.ts";

/** One machine of the rack as the demo watches it. */
type Watched = {
  readonly lab: LabMachine;
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

export type BirthsOptions = {
  readonly machines: readonly LabMachine[];
  readonly store: Store;
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
export function watchBirths({ machines, store, painter, limits, nowMs }: BirthsOptions): Births {
  const startedAtMs = nowMs();
  const watched: readonly Watched[] = machines.map((lab) => ({
    lab,
    progress: noProgress(startedAtMs),
    outcome: { kind: "working" },
    latest: firmwareText[lab.spec.firmware],
    saidPhase: undefined,
  }));
  const settled = Promise.withResolvers<void>();
  let footer: readonly string[] = [];

  const line = (one: Watched, machine: Pick<Machine, "hostname"> | undefined, text: string) =>
    `${duration((nowMs() - startedAtMs) / 1000).padStart(12)}  ${machine?.hostname ?? one.lab.name}: ${text}`;

  const endWatch = store.watch(({ machine, event }) => {
    const one = watched.find((each) => machine.macs.includes(each.lab.mac));
    if (one === undefined) return;
    one.latest = describeEvent(event) ?? one.latest;
    if (event.kind === "failed") painter.note(line(one, machine, one.latest));
    if (machine.phase !== undefined && machine.phase !== one.saidPhase) {
      one.saidPhase = machine.phase;
      painter.note(line(one, machine, phaseText[machine.phase]));
    }
  });

  const tick = () => {
    const now = nowMs();
    for (const one of watched) {
      const machine = store.byMac(one.lab.mac);
      one.progress = followProgress(one.progress, machine, now);
      if (one.outcome.kind === "up") continue;
      const before = one.outcome;
      one.outcome = judge(machine, one.progress, { nowMs: now, startedAtMs, power: one.lab.power(), ...limits });
      if (one.outcome.kind === "failed" && before.kind !== "failed") {
        painter.say(line(one, machine, `failed: ${one.outcome.reason}`));
        painter.say(`${margin}end of its console log ${one.lab.consoleLogPath}:`);
        for (const text of consoleTail(one.lab.consoleLogPath, consoleLines)) painter.say(`${margin}  ${text}`);
      }
    }
    const rows = watched.map(({ lab, latest }) => {
      const known = { name: lab.name, firmware: lab.spec.firmware, poweredOnAtMs: startedAtMs };
      const row = machineRow(known, store.byMac(lab.mac), { latest, nowMs: now });
      return lab.power() === "on" ? row : { ...row, latest: `power ${lab.power()}` };
    });
    painter.draw({ title: title(rows), seconds: (now - startedAtMs) / 1000, rows, footer });
    if (watched.every((one) => one.outcome.kind !== "working")) settled.resolve();
  };
  const timer = setInterval(tick, redrawMs);

  return {
    settled: settled.promise,
    reports: () =>
      watched.map(({ lab, outcome }) => {
        const { mac, spec, consoleLogPath } = lab;
        const known = { mac, firmware: spec.firmware, consoleLogPath, poweredOnAtMs: startedAtMs };
        return reportMachine(known, store.byMac(mac), outcome);
      }),
    setFooter: (lines) => {
      footer = lines;
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      endWatch();
      tick();
    },
  };
}

function title(rows: readonly MachineRow[]): string {
  const machines = rows.length === 1 ? "1 machine" : `${rows.length} machines`;
  return `Birther: ${machines} on a virtual rack, ${rows.filter((row) => row.mood === "up").length} up`;
}
