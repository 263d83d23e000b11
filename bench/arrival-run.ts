import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathsIn } from "../src/main/paths.ts";

import { pool, server } from "./arrival-site.ts";
import { type BenchEnvironment, runBenchmark, say, startServer } from "./environment.ts";

const about = `usage: bench/arrival [--quick]

Machines arrive at a real server on SQLite: DHCP behind a relay, TFTP, boot script, parts of kernel and initramfs, TLS,
order, reports, healthy, polls until up. Firmware, burn-in and disks take no time; the image's bytes are not fetched.
ARRIVAL_MACHINES (4000; 400 with --quick) and ARRIVAL_RATE (machines switched on per second, 60) change the load.
Needs root and the packages of birther serve.`;

const graceSeconds = 90;

async function measure({ wire, directory, quick }: BenchEnvironment): Promise<object> {
  const machines = Number(process.env.ARRIVAL_MACHINES ?? (quick ? 400 : 4000));
  const rate = Number(process.env.ARRIVAL_RATE ?? 60);
  const ip = (text: string, where: readonly string[] = []) => {
    const [command = "", ...argv] = [...where, "ip", ...text.split(" ")];
    execFileSync(command, argv);
  };
  ip(`address add ${server.router}/24 dev ${wire.clientInterface}`, wire.inside);
  ip("link set lo up", wire.inside);
  ip(`route add default via ${server.temporary}`, wire.inside);
  // Every address of the pool is the machines' own, without four thousand entries.
  ip(`route add local ${pool.prefix} dev lo`, wire.inside);
  ip(`route add ${pool.prefix} via ${server.router}`);

  const state = join(directory, "state");
  const notes = join(directory, "notes.json");
  const argv = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "arrival-ours.ts"),
    state,
    notes,
  ];
  const output = join(directory, "server.output");
  const load = await (async () => {
    await using running = await startServer(argv, { protocol: "udp", port: 67, address: server.temporary, output });
    const beganCpu = running.cpuSeconds();
    say(`${machines} machines, ${rate} per second`);
    const text = await runLoad(wire.inside, [
      String(machines),
      String(rate),
      String(Math.round(machines / rate) + graceSeconds),
      join(pathsIn(state).pki, "ca.pem"),
    ]);
    const result = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { readonly up: number };
    return {
      ...result,
      serverCpuMsPerBirth: Math.round(((running.cpuSeconds() - beganCpu) / Math.max(1, result.up)) * 10_000) / 10,
    };
  })();
  return { ...load, server: JSON.parse(readFileSync(notes, "utf8")) };
}

function runLoad(inside: readonly string[], argv: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, "arrival-load.ts");
  const [command = "", ...rest] = [
    ...inside,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    script,
    ...argv,
  ];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(text);
      else reject(new Error(`the load ended with status ${status}`));
    });
  });
}

await runBenchmark({
  fileUrl: import.meta.url,
  about,
  addresses: [`${server.temporary}/24`, `${server.permanent}/32`],
  prepare: async () => {},
  measure,
});
