import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Phase, phases } from "../src/core/machine/record.ts";
import { measure } from "./calibrate-measure.ts";
import { type BootFiles, type Calibration, calibrate, predict } from "./calibrate-predict.ts";
import type { Measured } from "./calibrate-rack.ts";
import { say } from "./environment.ts";

const about = `Real machines on the virtual rack, and the same site simulated: predicted against measured time of each phase.

  bench/calibrate [--quick] [--uplink-mbps N] [--keep FILE] [--from FILE]

A machine alone, on an uplink without limit, gives the parameters. Two, four and six machines behind an uplink of 100 Mb/s are then
measured and predicted; nothing of them goes into the parameters. --quick: two only. --keep writes what was measured, and --from
predicts again from such a file. Needs root and QEMU; takes an hour on two processors without KVM. The last line is one JSON object.
`;

type Everything = { readonly files: BootFiles; readonly trials: readonly Measured[] };

async function measureAll(counts: readonly number[], uplinkMbps: number): Promise<Everything> {
  const alone = await measure({ machines: 1 });
  const trials = [alone.trial];
  for (const machines of counts) trials.push((await measure({ machines, uplinkMbps })).trial);
  return { files: alone.files, trials };
}

type Row = {
  readonly phase: string;
  readonly measuredMs: number;
  readonly predictedMs: number;
  readonly error: number;
};

const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / Math.max(1, all.length);

/** The mean time of each phase from the one before, over the machines of a trial. */
function stepsOf(machines: readonly ReadonlyMap<Phase, number>[]): ReadonlyMap<Phase, number> {
  const steps = new Map<Phase, number>();
  for (const phase of phases) {
    const took = machines.flatMap((times) => {
      const at = times.get(phase);
      const before = phases.slice(0, phases.indexOf(phase)).flatMap((one) => times.get(one) ?? []);
      return at === undefined ? [] : [at - Math.max(0, ...before)];
    });
    if (took.length > 0) steps.set(phase, mean(took));
  }
  return steps;
}

function rowOf(phase: string, measuredMs: number, predictedMs: number): Row {
  const round = Math.round;
  const error = round(((predictedMs - measuredMs) / Math.max(1, measuredMs)) * 1000) / 1000;
  return { phase, measuredMs: round(measuredMs), predictedMs: round(predictedMs), error };
}

/** Predicts one trial, and compares it. `alone`: the trial that gave the calibration. */
async function compare(trial: Measured, calibration: Calibration, alone: Measured) {
  const others = trial.otherCores + alone.serverCores * trial.machines;
  const processors = Math.max(0.2, availableParallelism() - others);
  const times = await predict(trial, calibration, processors);
  const real = trial.marks.map((marks) => new Map(marks.map(({ phase, atMs }) => [phase, atMs])));
  const [measured, predicted] = [stepsOf(real), stepsOf(times)];
  const rows = [...measured].map(([phase, ms]) => rowOf(phase, ms, predicted.get(phase) ?? 0));
  const lastUp = (all: readonly ReadonlyMap<Phase, number>[]) => Math.max(...all.map((one) => one.get("up") ?? 0));
  const total = rowOf("all up", lastUp(real), lastUp(times));
  return {
    machines: trial.machines,
    uplinkMbps: trial.uplinkMbps,
    processors: Math.round(processors * 100) / 100,
    rows,
    total,
  };
}

/** A phase shorter than this says more about chance than about the model. */
const shownMs = 2000;

async function report({ files, trials: [alone, ...others] }: Everything): Promise<object> {
  if (alone === undefined) throw new Error("expected a trial of one machine first, found none");
  const calibration = calibrate(alone, files);
  const results = [];
  for (const trial of others) results.push(await compare(trial, calibration, alone));
  const seconds = (ms: number) => (ms / 1000).toFixed(1).padStart(9);
  for (const { machines, processors, rows, total } of results) {
    say(`\n${machines} machines, ${processors} processors for them\nphase         measured  predicted     error`);
    for (const { phase, measuredMs, predictedMs, error } of [...rows, total])
      say(
        `${phase.padEnd(12)}${seconds(measuredMs)}  ${seconds(predictedMs)}  ${`${Math.round(error * 100)} %`.padStart(8)}`,
      );
  }
  const all = results.flatMap(({ machines, rows }) => rows.map((row) => ({ machines, ...row })));
  const [largest] = all
    .filter(({ measuredMs }) => measuredMs >= shownMs)
    .sort((one, other) => Math.abs(other.error) - Math.abs(one.error));
  if (largest !== undefined)
    say(
      `\nlargest error of a phase of ${shownMs / 1000} s or more: ${largest.phase} with ${largest.machines} machines, ${Math.round(largest.error * 100)} %`,
    );
  return { parameters: calibration.parameters, demands: calibration.demands, results, largest };
}

const { values } = parseArgs({
  options: {
    ...{ quick: { type: "boolean" }, help: { type: "boolean" } },
    ...{ "uplink-mbps": { type: "string", default: "100" }, keep: { type: "string" }, from: { type: "string" } },
  },
});
if (values.help) process.stdout.write(about);
else {
  const counts = values.quick === true ? [2] : [2, 4, 6];
  const everything =
    values.from === undefined
      ? await measureAll(counts, Number(values["uplink-mbps"]))
      : (JSON.parse(readFileSync(values.from, "utf8")) as Everything);
  if (values.keep !== undefined) writeFileSync(values.keep, JSON.stringify(everything));
  process.stdout.write(`${JSON.stringify(await report(everything))}\n`);
}
