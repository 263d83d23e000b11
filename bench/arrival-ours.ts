/** The server of bench/arrival: the whole of it, on SQLite, until SIGTERM; then it writes what it noticed of itself. */

import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathsIn } from "../src/main/paths.ts";
import { startServer } from "../src/main/server/server.ts";
import { simulatedImage } from "../src/main/simulate/image.ts";
import { writeFakeBootFiles } from "../tests/fake-boot-files.ts";
import { arrivalConfig } from "./arrival-site.ts";

const [stateDirectory = "", notesPath = ""] = process.argv.slice(2);
const paths = pathsIn(stateDirectory);
mkdirSync(dirname(paths.kernel), { recursive: true });
writeFakeBootFiles(stateDirectory);
writeFileSync(paths.kernel, Buffer.alloc(12_200_000));
writeFileSync(paths.initramfs, Buffer.alloc(7_600_000));
const image = join(paths.images, "compute", "1.json");
mkdirSync(dirname(image), { recursive: true });
writeFileSync(image, JSON.stringify(simulatedImage("compute/1", 1e9).manifest));

const delay = monitorEventLoopDelay({ resolution: 1 });
const logged = new Map<string, number>();
const running = await startServer({
  config: arrivalConfig(stateDirectory),
  log: (level, message) => {
    if (level === "warn" || level === "error") logged.set(message, (logged.get(message) ?? 0) + 1);
  },
});
delay.enable();
await once(process, "SIGTERM");
delay.disable();
const { user, system } = process.cpuUsage();
const notes = {
  machines: running.store.list().length,
  up: running.store.list().filter(({ phase, state }) => phase === "up" && state === "healthy").length,
  cpuSeconds: (user + system) / 1e6,
  rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  loopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, most: delay.max / 1e6 },
  logged: Object.fromEntries(logged),
};
await running[Symbol.asyncDispose]();
writeFileSync(notesPath, JSON.stringify(notes));
process.exit(0);
