import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Phase, phases } from "../src/core/machine/phase.ts";
import { measure } from "./calibrate-measure.ts";
import { measurePeerCost, type PeerCost } from "./calibrate-peer.ts";
import { type BootFiles, type Calibration, calibrate, predict } from "./calibrate-predict.ts";
import type { Measured } from "./calibrate-rack.ts";
import { say } from "./environment.ts";

const about = `Real machines on the virtual rack, and the same site simulated: predicted against measured time of each phase.

  bench/calibrate [--quick] [--machines N,N] [--uplink-mbps N] [--keep FILE] [--from FILE]

A machine alone, on an uplink without limit, gives the parameters. Two, four and six machines behind an uplink of 100 Mb/s are then
measured and predicted; nothing of them goes into the parameters. --machines: other numbers; --quick: two only. A trial that fails is
tried once more, and then left out: the result names it, and the status is 1. --keep writes what was measured, after each trial; trials
that the file has are not run again, so the same command goes on where it was stopped. --from predicts again from such a file. Needs root
and QEMU; takes an hour on two processors without KVM. The last line is one JSON object.
`;

/** What was measured; the trial of one machine alone is the first, once it has succeeded. */
type Everything = {
  readonly files?: BootFiles;
  readonly peer: PeerCost;
  readonly uplinkMbps: number;
  readonly trials: readonly Measured[];
  readonly failed: readonly Failed[];
};
type Failed = { readonly machines: number; readonly reason: string };

const tries = 2;

/** Runs what is missing of the trials, one after the other; `keep` is called after each. */
async function measureAll(
  counts: readonly number[],
  { known, keep }: { readonly known: Everything; readonly keep: (now: Everything) => void },
): Promise<Everything> {
  let now: Everything = { ...known, failed: [] };
  const missing = [1, ...counts].filter((count) => !known.trials.some(({ machines }) => machines === count));
  const beganMs = performance.now();
  for (const [nth, machines] of missing.entries()) {
    const minutes = Math.round((performance.now() - beganMs) / 60_000);
    say(`trial ${nth + 1} of ${missing.length}, after ${minutes} min`);
    const result = await tryTrial({ machines, ...(machines === 1 ? {} : { uplinkMbps: known.uplinkMbps }) });
    if ("reason" in result) {
      now = { ...now, failed: [...now.failed, { machines, reason: result.reason }] };
      // The parameters come from it.
      if (machines === 1) break;
    } else now = { ...now, files: now.files ?? result.files, trials: [...now.trials, result.trial] };
    keep(now);
  }
  return { ...now, trials: [...now.trials].sort((one, other) => one.machines - other.machines) };
}

async function tryTrial(of: Parameters<typeof measure>[0]): Promise<Awaited<ReturnType<typeof measure>> | Failed> {
  let reason = "";
  for (let attempt = 1; attempt <= tries; attempt += 1)
    try {
      return await measure(of);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
      say(`attempt ${attempt} of ${tries}: ${reason}`);
    }
  return { machines: of.machines, reason };
}

/** What a file has that `--keep` wrote with the same uplink; nothing yet if there is none. */
async function readKept(path: string | undefined, uplinkMbps: number): Promise<Everything> {
  if (path !== undefined && existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, "utf8")) as Everything;
    if (kept.uplinkMbps !== uplinkMbps)
      throw new Error(`${path}: expected trials with ${uplinkMbps} Mb/s, found ${kept.uplinkMbps}; name another file`);
    return kept;
  }
  return { peer: await measurePeerCost(), uplinkMbps, trials: [], failed: [] };
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

async function report({ files, peer, trials, failed }: Everything): Promise<object> {
  const [alone, ...others] = trials;
  if (alone?.machines !== 1 || files === undefined) return { failed, results: [] };
  const calibration = calibrate(alone, { files, peer });
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
  return { failed, peer, parameters: calibration.parameters, demands: calibration.demands, results, largest };
}

const { values } = parseArgs({
  options: {
    ...{ quick: { type: "boolean" }, help: { type: "boolean" }, machines: { type: "string" } },
    ...{ "uplink-mbps": { type: "string", default: "100" }, keep: { type: "string" }, from: { type: "string" } },
  },
});

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Error(`${option}: expected a whole number, found ${JSON.stringify(text)}`);
  return Number(text);
}

async function main(): Promise<void> {
  const { machines = values.quick === true ? "2" : "2,4,6", keep, from } = values;
  const counts = machines.split(",").map((text) => wholeNumber("--machines", text));
  const uplinkMbps = wholeNumber("--uplink-mbps", values["uplink-mbps"]);
  const known = await readKept(from ?? keep, uplinkMbps);
  const write = (now: Everything) => {
    if (keep !== undefined) writeFileSync(keep, JSON.stringify(now));
  };
  const everything = from === undefined ? await measureAll(counts, { known, keep: write }) : known;
  write(everything);
  process.exitCode = everything.failed.length === 0 ? 0 : 1;
  process.stdout.write(`${JSON.stringify(await report(everything))}\n`);
}

if (values.help) process.stdout.write(about);
else await main();
