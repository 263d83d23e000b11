/**
 * One trial of bench/calibrate, inside its namespace: real machines in QEMU are born and brought to their image. Its argument is a
 * `Trial` as JSON; it writes a `Measured` into its directory.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Phase } from "../src/core/machine/phase.ts";
import { machineSpec } from "../src/lab/machine-spec.ts";
import { startRack } from "../src/lab/rack.ts";
import { openLogFile } from "../src/main/demo/log.ts";
import { demoSwitch } from "../src/main/demo/plan.ts";
import { startServer } from "../src/main/server/server.ts";
import { calibrationConfig } from "./calibrate-site.ts";
import { say } from "./environment.ts";

export type Trial = {
  readonly directory: string;
  readonly machines: number;
  /** The rate of everything that the server sends into the rack; unlimited without it. */
  readonly uplinkMbps?: number;
};

/** A moment of one machine: its time, the processor time that its QEMU has had, and the time that it waited for a processor. */
export type Mark = {
  readonly phase: Phase;
  readonly atMs: number;
  readonly cpuMs: number;
  readonly waitMs: number;
  /** The duration on the machine's record: of loaders and boot files, that of their transfer. */
  readonly tookMs: number | undefined;
};
export type Measured = {
  readonly machines: number;
  readonly uplinkMbps?: number;
  /** For each machine, the first moment of each phase; times since its power came. */
  readonly marks: readonly (readonly Mark[])[];
  /** Processors that the server used on average, and those that everything else on the computer used. */
  readonly serverCores: number;
  readonly otherCores: number;
  readonly imageBytes: number;
};

const deadlineMs = 40 * 60_000;
const tickMs = 10;

/**
 * What a QEMU has had of the processors, and how long its busiest thread, which runs the machine, waited for one: nanoseconds in
 * `schedstat` of each thread (proc(5)).
 */
function usedBy(pid: number): Pick<Mark, "cpuMs" | "waitMs"> {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ").map(Number);
    return { ran, waited };
  });
  const busiest = threads.reduce((most, one) => (one.ran > most.ran ? one : most));
  return { cpuMs: threads.reduce((sum, { ran }) => sum + ran, 0) / 1e6, waitMs: busiest.waited / 1e6 };
}

/** The QEMU of each machine, by its name on the command line. */
function findProcesses(names: readonly string[]): readonly number[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const lines = processes.map((pid) => {
    try {
      return { pid: Number(pid), line: readFileSync(`/proc/${pid}/cmdline`, "utf8") };
    } catch {
      return { pid: Number(pid), line: "" };
    }
  });
  return names.map((name) => {
    const found = lines.find(({ line }) => line.startsWith("qemu-system") && line.includes(`/${name}/`));
    if (found === undefined) throw new Error(`${name}: expected its QEMU among the processes, found none`);
    return found.pid;
  });
}

/** Busy time of all processors of the computer (proc(5), first line of stat), in milliseconds. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/ +/).slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softirq) * tickMs;
}

function notUp(marks: readonly (readonly Mark[])[]): string {
  const missing = marks.flatMap((all, nth) =>
    all.some(({ phase }) => phase === "up") ? [] : [`machine ${nth + 1} at ${all.at(-1)?.phase ?? "nothing"}`],
  );
  return `expected all machines up within ${deadlineMs / 60_000} minutes, found ${missing.join(", ")}`;
}

async function run({ directory, machines: count, uplinkMbps }: Trial): Promise<Measured> {
  await using life = new AsyncDisposableStack();
  const log = life.use(openLogFile(join(directory, "server.log")));
  const specs = Array.from({ length: count }, (_, nth) => machineSpec(nth + 1, { firmware: "uefi", cpus: 1 }));
  const { bridge, name: switchName } = demoSwitch;
  const rack = life.use(
    await startRack({ machines: specs, bridge, switchName, directory: join(directory, "rack"), log }),
  );
  if (uplinkMbps !== undefined) {
    const shape = ["qdisc", "add", "dev", bridge.name, "root", "tbf", "rate", `${uplinkMbps}mbit`];
    execFileSync("tc", [...shape, "burst", "128kb", "latency", "100ms"]);
  }
  const { store } = life.use(await startServer({ config: calibrationConfig(join(directory, "state")), log }));
  const marks = specs.map((): Mark[] => []);
  const done = Promise.withResolvers<void>();
  const began = { atMs: Date.now(), busyMs: busyMs(), own: process.cpuUsage() };
  let pids: readonly number[] = [];
  const stop = store.watch(({ machine }) => {
    const nth = specs.findIndex(({ mac }) => machine.macs.includes(mac));
    const [own, pid] = [marks[nth], pids[nth]];
    const { phase } = machine;
    if (own === undefined || pid === undefined || phase === undefined || own.some((mark) => mark.phase === phase))
      return;
    const tookMs = machine.timeline?.findLast((entry) => entry.phase === phase)?.durationMs;
    own.push({ phase, atMs: Date.now() - began.atMs, ...usedBy(pid), tookMs });
    say(`  ${((Date.now() - began.atMs) / 1000).toFixed(1).padStart(7)} s  machine ${nth + 1}: ${phase}`);
    if (marks.every((all) => all.some((mark) => mark.phase === "up"))) done.resolve();
  });
  await Promise.all(rack.machines.map((machine) => machine.powerOn()));
  pids = findProcesses(specs.map(({ name }) => name));
  const timer = setTimeout(() => done.reject(new Error(notUp(marks))), deadlineMs);
  await done.promise;
  clearTimeout(timer);
  stop();
  const tookMs = Date.now() - began.atMs;
  const { user, system } = process.cpuUsage(began.own);
  const serverMs = (user + system) / 1000;
  const machinesMs = pids.reduce((sum, pid) => sum + usedBy(pid).cpuMs, 0);
  return {
    ...{ machines: count, ...(uplinkMbps === undefined ? {} : { uplinkMbps }), marks },
    serverCores: serverMs / tookMs,
    otherCores: Math.max(0, busyMs() - began.busyMs - machinesMs - serverMs) / tookMs,
    imageBytes: Number(readFileSync(join(directory, "image-bytes"), "utf8")),
  };
}

const trial = JSON.parse(process.argv[2] ?? "") as Trial;
writeFileSync(join(trial.directory, "measured.json"), JSON.stringify(await run(trial)));
process.exit(0);
