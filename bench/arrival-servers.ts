import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openApi } from "../src/cli/api/api.ts";
import { pathsIn } from "../src/main/paths.ts";
import { simulatedImage } from "../src/main/simulate/image.ts";
import { serverAt } from "./arrival-site.ts";
import { type RunningServer, startServer } from "./environment.ts";

const imageBytes = 1e9;

/** The servers of bench/arrival, each a process, with what they used while it was measured. */
export class ArrivalServers {
  readonly #of: { readonly directory: string; readonly database?: string; readonly profile?: string };
  readonly #running: (RunningServer | undefined)[] = [];
  #beganCpu: number[] = [];
  /** Of servers that were killed. */
  #goneCpu = 0;

  constructor(of: { readonly directory: string; readonly database?: string; readonly profile?: string }) {
    this.#of = of;
  }

  /** Starts the n-th server, which has the authority of the first. */
  async start(nth: number): Promise<void> {
    const { directory, database, profile } = this.#of;
    const state = this.#stateOf(nth);
    if (nth > 0) cpSync(pathsIn(this.#stateOf(0)).pki, pathsIn(state).pki, { recursive: true });
    const argv = [
      ...[process.execPath, "--disable-warning=ExperimentalWarning"],
      ...(profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile]),
      ...[join(import.meta.dirname, "arrival-ours.ts"), state, String(nth), this.#notesOf(nth)],
      ...(database === undefined ? [] : [database]),
    ];
    const output = join(directory, `server-${nth}.output`);
    const address = serverAt(nth).temporary;
    this.#running[nth] = await startServer(argv, { protocol: "udp", port: 67, address, output });
    this.#beganCpu[nth] = 0;
  }

  /** Adds an image, as an import that ends does. */
  addImage(nth: number, name: string): void {
    const path = join(pathsIn(this.#stateOf(nth)).images, `${name}.json`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(simulatedImage(name, imageBytes).manifest));
  }

  /** Moves all machines to a version of compute. */
  async promote(version: number): Promise<void> {
    const { operatorSocket } = pathsIn(this.#stateOf(0));
    const api = await openApi({ state: dirname(operatorSocket) });
    await api.ask("promote", { name: "compute", body: { version, all: true, skipCanary: true } });
  }

  get caPath(): string {
    return join(pathsIn(this.#stateOf(0)).pki, "ca.pem");
  }

  beginMeasurement(): void {
    this.#beganCpu = this.#running.map((one) => one?.cpuSeconds() ?? 0);
    for (const one of this.#running) if (one !== undefined) process.kill(one.pid, "SIGUSR2");
  }

  kill(nth: number): void {
    const one = this.#running[nth];
    if (one === undefined) return;
    this.#goneCpu += one.cpuSeconds() - (this.#beganCpu[nth] ?? 0);
    this.#running[nth] = undefined;
    process.kill(one.pid, "SIGKILL");
  }

  /** Seconds of all servers since the measurement began. */
  cpuSeconds(): number {
    const now = this.#running.map((one, nth) =>
      one === undefined ? 0 : one.cpuSeconds() - (this.#beganCpu[nth] ?? 0),
    );
    return this.#goneCpu + now.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Ends all; what each noticed of itself. */
  async end(): Promise<readonly object[]> {
    const notes: object[] = [];
    for (const [nth, one] of this.#running.entries()) {
      if (one === undefined) continue;
      await one[Symbol.asyncDispose]();
      notes.push(JSON.parse(readFileSync(this.#notesOf(nth), "utf8")));
    }
    return notes;
  }

  #stateOf(nth: number): string {
    return join(this.#of.directory, `state-${nth}`);
  }

  #notesOf(nth: number): string {
    return join(this.#of.directory, `notes-${nth}.json`);
  }
}

/** Processor seconds of all processes of PostgreSQL in this namespace: proc(5), fields 14 to 17 of stat, in ticks of 10 ms. */
export function postgresCpuSeconds(): number {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .reduce((sum, pid) => sum + secondsOf(pid), 0);
}

function secondsOf(pid: string): number {
  try {
    const [, comm = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    if (!/^postgres/.test(comm)) return 0;
    const fields = rest.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}
