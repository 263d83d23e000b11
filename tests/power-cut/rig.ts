import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Api, openApi } from "../../src/cli/api/api.ts";
import type { MachineView } from "../../src/contract/operator/views.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { startRack } from "../../src/lab/rack.ts";
import { demoConfig, demoSwitch } from "../../src/main/demo/plan.ts";
import { prepareDemo } from "../../src/main/demo/prepare-demo.ts";
import { debian12 } from "../support/images-of-tests.ts";
import { waitFor } from "../support/inside-namespace.ts";

const run = promisify(execFile);
const launcher = new URL("../../birther", import.meta.url).pathname;
/** The end of the console that is searched for a line. */
const tailBytes = 64 * 1024;

/** One UEFI machine with an encrypted root in a rack, and `birther serve` as a process that can be killed. */
export type Rig = AsyncDisposable & {
  readonly machine: LabMachine;
  readonly startServer: () => Promise<void>;
  /** Ends the server between two instructions (SIGKILL). */
  readonly killServer: () => Promise<void>;
  /** The machine's record; undefined before its first request, and while no server answers. */
  readonly view: () => Promise<MachineView | undefined>;
  readonly ask: Api["ask"];
  /** Takes the network away from machine and server. */
  readonly cutNetwork: (seconds: number) => Promise<void>;
  /** The end of what the machine has written to its console since it was last switched on. */
  readonly consoleTail: () => Promise<string>;
  /** The ends of the console and of the server's log, for a failed trial. */
  readonly report: () => Promise<string>;
  /** The server's state directory. */
  readonly state: string;
  /** Keeps disks, NVRAM and the server's state under a name; machine and server are stopped. */
  readonly save: (name: string) => Promise<void>;
  /** Goes back to what was saved. */
  readonly restore: (name: string) => Promise<void>;
};

/** Builds the rig in the current namespace, with everything stopped. Run tests/support/prepare-births.ts before. */
export async function openRig(): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), "birther-power-cut-"));
  await using life = new AsyncDisposableStack();
  life.defer(() => rm(directory, { recursive: true, force: true }));
  const live = join(directory, "live");
  const state = join(live, "state");
  await mkdir(live);
  await prepareDemo(live, { step: (_title, work) => work(() => {}) }, debian12);
  const base = demoConfig(state);
  const burnIn = { cpuSeconds: 0, memoryPercent: 5, diskMiB: 1, networkMiB: 0 };
  const config = { ...base, burnIn, retrySeconds: 10, placement: { ...base.placement, lldpSeconds: 5 } };
  const configPath = join(directory, "birther.json");
  await writeFile(configPath, JSON.stringify(config));

  const { bridge, name: switchName } = demoSwitch;
  const disks = [{ bus: "virtio", sizeMiB: 4096, serial: "ROOT1" }] as const;
  const spec = machineSpec(1, { firmware: "uefi", memoryMiB: 1024, disks });
  const rackOptions = { machines: [spec], bridge, switchName, directory: join(live, "rack"), log: () => {} };
  const rack = life.use(await startRack(rackOptions));
  const [machine] = rack.machines;
  if (machine === undefined) throw new Error("a rack of one machine has one");
  let server: ChildProcess | undefined;
  let logged = "";
  let consoleFrom = 0;

  async function consoleTail(): Promise<string> {
    await using file = await open(machine?.consoleLogPath ?? "", "r");
    const { size } = await file.stat();
    const from = Math.max(consoleFrom, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.toString("utf8", 0, bytesRead);
  }
  async function killServer(): Promise<void> {
    const process = server;
    if (process === undefined) return;
    server = undefined;
    process.kill("SIGKILL");
    await once(process, "close");
  }
  async function startServer(): Promise<void> {
    const started = spawn(launcher, ["serve", "--config", configPath], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        logged = (logged + text).slice(-4000);
      });
    server = started;
    await waitFor("the server to be ready", 600, async () => {
      if (started.exitCode !== null) throw new Error("the server ended");
      return await api()
        .then((to) => to.ask("ready"))
        .catch(() => undefined);
    }).catch((cause) => {
      throw new Error(`starting the server: ${logged}`, { cause });
    });
  }
  const api = () => openApi({ state });
  const copy = (from: string, to: string) => run("cp", ["-a", "--sparse=always", from, to]);
  life.defer(killServer);
  const kept = life.move();
  return {
    machine: {
      ...machine,
      powerOn: async () => {
        consoleFrom = (await stat(machine.consoleLogPath)).size;
        await machine.powerOn();
      },
    },
    startServer,
    killServer,
    view: async () => {
      const found = await api()
        .then((to) => to.ask<{ machines: readonly MachineView[] }>("list"))
        .catch(() => undefined);
      return found?.machines[0];
    },
    ask: async (route, asked) => await (await api()).ask(route, asked),
    cutNetwork: async (seconds) => {
      await run("ip", ["link", "set", "dev", bridge.name, "down"]);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      await run("ip", ["link", "set", "dev", bridge.name, "up"]);
    },
    consoleTail,
    report: async () => `${(await consoleTail()).slice(-3000)}\nserver: ${logged.slice(-2000)}`,
    state,
    save: async (name) => {
      await copy(live, join(directory, name));
    },
    restore: async (name) => {
      await rm(live, { recursive: true, force: true });
      await copy(join(directory, name), live);
      consoleFrom = 0;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
