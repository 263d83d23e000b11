import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bundleForQuickJs } from "../src/bootstrap-image/program/bundle.ts";
import { buildNative } from "../src/bootstrap-image/program/native.ts";
import type { SubSettings } from "../src/contract/sub.ts";
import { cacheDirectory } from "../src/main/paths.ts";
import { isInside, runInside, say } from "./environment.ts";
import { layRack, originAddress, type RackNetwork } from "./rack-network.ts";
import { type RackOrigin, startOrigin, storeContents } from "./rack-origin.ts";

const about = `How a rack of machines gets an image over its uplink: real agents in network namespaces, natively.

  bench/rack [--quick] [--only WORDS] [--uplink-mbps N] [--megabytes N]

Eight agents start half a second apart. Each has a link of ten times the uplink. A machine at fault is the first one, which
fetches from the server, or the fourth: it is killed after a third of the ideal time, lies, or has a hundredth of a link. The
last line is one JSON object: for each trial the bytes over the uplink, as a multiple of the image, and the time of the last
machine not at fault, as a multiple of the time that the image takes over the uplink, and CPU seconds for a GB. Everything is in
memory (/dev/shm).
`;

const machines = 8;
const startEveryMs = 500;
/** Ten times the uplink. */
const linkFactor = 10;
/** No trial takes longer than this multiple of the ideal time. */
const longest = 15;

type Fault = "none" | "killed" | "lying" | "slow";
const trials: readonly (readonly [fault: Fault, machine: number])[] = [
  ["none", 0],
  ["killed", 0],
  ["killed", 3],
  ["lying", 0],
  ["lying", 3],
  ["slow", 0],
  ["slow", 3],
];

type Bench = {
  readonly directory: string;
  readonly program: string;
  readonly script: string;
  readonly list: string;
  readonly bytes: number;
  readonly uplinkMbps: number;
};
/** `cpu`: CPU seconds of the average agent for a GB, with the program that serves it to the next one; of the server, for a GB sent. */
type Result = {
  readonly overUplink: number;
  readonly lastDone: number;
  readonly cpu: { readonly agent: number; readonly server: number };
};

const round = (value: number) => Math.round(value * 100) / 100;

function settingsOf(origin: RackOrigin, number: number): Partial<SubSettings> {
  const { id: machineId = "", token = "" } = origin.machines[number] ?? {};
  return {
    ...{ machineId, token, serverName: "birther", mac: "52:54:00:00:00:01" },
    ...{ mdb: `${originAddress}:${origin.tlsPort}`, http: `${originAddress}:${origin.httpPort}` },
  };
}

function startMachine(
  bench: Bench,
  network: RackNetwork,
  of: { readonly number: number; readonly root: string; readonly origin: RackOrigin; readonly lies: boolean },
): ChildProcess {
  const { number, root, origin, lies } = of;
  mkdirSync(join(root, "etc/birther"), { recursive: true });
  writeFileSync(join(root, "etc/birther/ca.pem"), origin.caPem);
  const settings = JSON.stringify(settingsOf(origin, number));
  const liar = [process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, "rack-liar.ts")];
  const rate = String((bench.uplinkMbps * 125_000) | 0);
  const argv = lies ? [...liar, settings, bench.list, rate] : [bench.program, bench.script, root, settings, bench.list];
  const [command = "", ...rest] = [...(network.inside[number] ?? []), ...argv];
  return spawn(command, rest, { stdio: ["pipe", "pipe", openSync(join(root, "log"), "w")] });
}

/** CPU seconds that a process and its children have used (proc_pid_stat(5), in hundredths). */
function cpuSeconds(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    const own = (Number(stat[11]) + Number(stat[12])) / 100;
    return children.reduce((sum, child) => sum + cpuSeconds(Number(child)), own);
  } catch {
    // It was killed.
    return 0;
  }
}

/** The seconds until a machine says that it is done; undefined if it is late. */
async function doneAfter(child: ChildProcess, startMs: number, limitMs: number): Promise<number | undefined> {
  const done = once(child.stdout ?? child, "data").then(() => (performance.now() - startMs) / 1000);
  return await Promise.race([done, setTimeout(limitMs, undefined, { ref: false })]);
}

async function trial(bench: Bench, fault: Fault, at: number): Promise<Result> {
  const { uplinkMbps, bytes, directory } = bench;
  const idealSeconds = bytes / (uplinkMbps * 125_000);
  const linkMbps = uplinkMbps * linkFactor;
  const place = mkdtempSync(join(directory, "trial-"));
  await using network = await layRack({ machines, uplinkMbps, linkMbps });
  await using origin = await startOrigin(join(directory, "objects"), machines, uplinkMbps);
  if (fault === "slow") await network.slow(at, linkMbps / 100);
  const beforeBytes = network.crossedBytes();
  const beforeCpu = process.cpuUsage();
  const children: ChildProcess[] = [];
  const done: Promise<number | undefined>[] = [];
  const startMs = performance.now();
  try {
    for (let number = 0; number < machines; number += 1) {
      const isFaulty = fault !== "none" && number === at;
      const root = join(place, String(number));
      const child = startMachine(bench, network, { number, root, origin, lies: isFaulty && fault === "lying" });
      children.push(child);
      if (isFaulty && fault === "killed") void setTimeout((idealSeconds * 1000) / 3).then(() => child.kill("SIGKILL"));
      if (!isFaulty) done.push(doneAfter(child, startMs, idealSeconds * 1000 * longest));
      await setTimeout(startEveryMs);
    }
    const seconds = await Promise.all(done);
    const crossed = network.crossedBytes() - beforeBytes;
    const late = seconds.filter((one) => one === undefined).length;
    if (late > 0) throw new Error(`${fault}: ${late} machines were not done within ${longest} times the ideal time`);
    const last = Math.max(...seconds.map((one) => one ?? 0));
    const startedSeconds = ((machines - 1) * startEveryMs) / 1000;
    const { user, system } = process.cpuUsage(beforeCpu);
    const counted = children.map(({ pid }) => cpuSeconds(pid)).filter((used) => used > 0);
    const agents = counted.reduce((sum, used) => sum + used, 0) / counted.length;
    const cpu = { agent: round((agents * 1e9) / bytes), server: round(((user + system) * 1e3) / crossed) };
    const result = { overUplink: round(crossed / bytes), lastDone: round(last / idealSeconds), cpu };
    say(
      `${fault}${fault === "none" ? "" : ` at ${at + 1}`}: ${JSON.stringify(result)}; machines done after ` +
        `${seconds.map((one) => one?.toFixed(1)).join(" ")} s; ideal ${idealSeconds.toFixed(1)} s, started within ${startedSeconds} s`,
    );
    return result;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => (child.exitCode ?? child.signalCode) === null && once(child, "exit")));
    if (process.env.RACK_LOGS !== undefined)
      for (let number = 0; number < machines; number += 1)
        say(`--- machine ${number + 1}\n${readFileSync(join(place, String(number), "log"), "utf8")}`);
    rmSync(place, { recursive: true });
  }
}

async function run(options: { readonly uplinkMbps: number; readonly megabytes: number; readonly only: string }) {
  const { uplinkMbps, megabytes, only } = options;
  const directory = mkdtempSync("/dev/shm/birther-rack-");
  try {
    const program = await buildNative({ cacheDirectory, log: (_, message) => say(message) });
    const script = join(directory, "work.js");
    const list = join(directory, "contents.json");
    writeFileSync(script, await bundleForQuickJs({ entry: join(import.meta.dirname, "rack-work.ts") }));
    const contents = await storeContents(join(directory, "objects"), megabytes * 1e6);
    writeFileSync(list, JSON.stringify(contents));
    const bytes = contents.reduce((sum, { size }) => sum + size, 0);
    const bench = { directory, program, script, list, bytes, uplinkMbps };
    const results: Record<string, Result> = {};
    for (const [fault, at] of trials) {
      const name = fault === "none" ? fault : `${fault}${at === 0 ? "First" : "Fourth"}`;
      if (name.includes(only)) results[name] = await trial(bench, fault, at);
    }
    const worst = (key: "overUplink" | "lastDone") => Math.max(...Object.values(results).map((result) => result[key]));
    return {
      ...{ machines, uplinkMbps, linkMbps: uplinkMbps * linkFactor, bytes, objects: contents.length },
      ...results,
      worst: { overUplink: worst("overUplink"), lastDone: worst("lastDone") },
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    only: { type: "string" },
    "uplink-mbps": { type: "string", default: "100" },
    megabytes: { type: "string" },
  },
});
if (values.help) process.stdout.write(about);
else if (process.getuid?.() !== 0)
  throw new Error("this benchmark needs root, because it connects network namespaces by virtual cables");
else if (!isInside()) {
  await buildNative({ cacheDirectory, log: (_, message) => say(message) });
  await runInside(import.meta.url);
} else {
  const only = values.only ?? (values.quick ? "none" : "");
  const megabytes = Number(values.megabytes ?? (values.quick ? 100 : 300));
  process.stdout.write(
    `${JSON.stringify(await run({ uplinkMbps: Number(values["uplink-mbps"]), megabytes, only }))}\n`,
  );
}
