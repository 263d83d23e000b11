/**
 * A server of bench/arrival, the whole of it, until SIGTERM; then it writes what it noticed of itself. SIGUSR2 begins the
 * measurement, so that its start does not count.
 */

import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { loaderNames } from "../src/boot-server/boot-files.ts";
import { pathsIn } from "../src/main/paths.ts";
import { startServer } from "../src/main/server/server.ts";
import { writeFakeBootFiles } from "../tests/fake-boot-files.ts";
import { arrivalConfig } from "./arrival-site.ts";

const [stateDirectory = "", nth = "", notesPath = "", database] = process.argv.slice(2);
const paths = pathsIn(stateDirectory);
mkdirSync(dirname(paths.kernel), { recursive: true });
writeFakeBootFiles(stateDirectory);
for (const name of loaderNames) copyFileSync(join("/usr/lib/ipxe", name), join(paths.loaders, name));
writeFileSync(paths.kernel, Buffer.alloc(12_200_000));
writeFileSync(paths.initramfs, Buffer.alloc(7_600_000));

const delay = monitorEventLoopDelay({ resolution: 1 });
const logged = new Map<string, number>();
let beganCpu = new Map<string, number>();
// Before the server starts: it counts as started once its port for DHCP is there, and a signal without a listener ends a process.
const ended = once(process, "SIGTERM");
process.on("SIGUSR2", () => {
  delay.reset();
  beganCpu = threadSeconds();
});
const running = await startServer({
  config: arrivalConfig({ stateDirectory, nth: Number(nth), ...(database === undefined ? {} : { database }) }),
  log: (level, message) => {
    if (level === "warn" || level === "error") logged.set(message, (logged.get(message) ?? 0) + 1);
  },
});
delay.enable();
if (beganCpu.size === 0) beganCpu = threadSeconds();
await ended;
delay.disable();
const notes = {
  machines: running.store.list().length,
  up: running.store.list().filter(({ phase, state }) => phase === "up" && state === "healthy").length,
  cpuSecondsByThread: Object.fromEntries(
    [...threadSeconds()].map(([name, seconds]) => [name, rounded(seconds - (beganCpu.get(name) ?? 0))]),
  ),
  rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  loopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, most: delay.max / 1e6 },
  logged: Object.fromEntries(logged),
};
await running[Symbol.asyncDispose]();
writeFileSync(notesPath, JSON.stringify(notes));
process.exit(0);

/** Processor seconds of all threads of a name (proc(5), stat: fields 14 and 15, in ticks of 10 ms). */
function threadSeconds(): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const thread of readdirSync("/proc/self/task")) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    const fields = rest.split(" ");
    seconds.set(name, (seconds.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / 100);
  }
  return seconds;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
