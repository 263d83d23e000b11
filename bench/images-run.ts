import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { importTree } from "../src/dominator/import/tree.ts";
import { openObjectStore } from "../src/dominator/storage/object-store.ts";
import { say } from "./environment.ts";
import { prepareFetch } from "./images-fetch.ts";
import { measureOrigin } from "./images-origin.ts";

const about = `How fast a system image is imported, beside tar and sha512sum over the same files; how fast an agent brings an
empty root to it over loopback (compare, fetch, verify, place), beside curl and tar; and how fast it then moves all files to other
paths, as an update does whose contents are all there.

  bench/images [--quick] [--origin]

10,000 files of 500 MB with the sizes of a Debian system, as a directory and as a plain tar archive. Sources and objects are
in memory (/dev/shm), so that no disk is measured. tar and sha512sum only read; an import also writes every content. Each
figure is the best of three runs that take turns. Then the origin sends a pack to 1 and to 64 clients, beside an nginx that has it as
a file, and the same again over TLS, as a confidential one. With --origin, nothing else is measured. The last line is one JSON object with MB/s, CPU seconds and ratios.
`;

/** Sizes are spread as those of /usr of a Debian 12 server: the median is 2 % of the mean, and the largest a tenth of all. */
const spread = { median: 4, sigma: 2.2 } as const;

type Figure = { readonly mbPerSecond: number; readonly cpuSeconds: number };

/** Files of about `bytes` in all, with contents that differ; returns their exact size. */
function writeFiles(source: string, files: number, bytes: number): number {
  const sizes = Array.from({ length: files }, (_, n) => logNormal((n + 0.5) / files));
  const unit = bytes / sizes.reduce((sum, size) => sum + size, 0);
  let total = 0;
  for (const [n, size] of sizes.entries()) {
    const directory = join(source, "usr", String(n % 200));
    mkdirSync(directory, { recursive: true });
    const content = randomFillSync(Buffer.allocUnsafe(Math.max(1, Math.round(size * unit))));
    writeFileSync(join(directory, String(n)), content);
    total += content.length;
  }
  return total;
}

/** The quantile of a log-normal distribution, by Tukey's approximation of the normal one. */
function logNormal(share: number): number {
  return spread.median * Math.exp(spread.sigma * ((share ** 0.135 - (1 - share) ** 0.135) / 0.1975));
}

async function measure(work: () => Promise<number | undefined> | number | undefined, bytes: number): Promise<Figure> {
  const startMs = performance.now();
  const start = process.cpuUsage();
  const others = await work();
  const { user, system } = process.cpuUsage(start);
  const cpuSeconds = others ?? (user + system) / 1e6;
  return { mbPerSecond: Math.round(bytes / 1000 / (performance.now() - startMs)), cpuSeconds };
}

/** Runs a shell command, and returns the CPU seconds that its processes used. */
function cpuSecondsOf(command: string): number {
  const text = execFileSync("bash", ["-c", `TIMEFORMAT='%U %S'; { time { ${command}; } >/dev/null; } 2>&1`], {
    encoding: "utf8",
  });
  return text
    .trim()
    .split(" ")
    .reduce((sum, part) => sum + Number(part), 0);
}

function better(one: Figure | undefined, other: Figure): Figure {
  return one === undefined || other.mbPerSecond > one.mbPerSecond ? other : one;
}

async function run(quick: boolean, isOriginOnly: boolean): Promise<object> {
  const directory = mkdtempSync("/dev/shm/birther-bench-");
  try {
    if (isOriginOnly) return { cpus: availableParallelism(), origin: await measureOrigin(directory, quick) };
    const [files, megabytes] = quick ? [2000, 100] : [10_000, 500];
    const source = join(directory, "source");
    const archive = join(directory, "source.tar");
    const bytes = writeFiles(source, files, megabytes * 1e6);
    execFileSync("tar", ["-C", source, "-cf", archive, "."]);
    let round = 0;
    const importFrom = async (from: string): Promise<undefined> => {
      round += 1;
      const place = join(directory, `objects-${round}`);
      await importTree({ source: from, objects: await openObjectStore(place), filter: [] });
    };
    const served = join(directory, "served");
    const tree = await importTree({ source, objects: await openObjectStore(served), filter: [] });
    await using fetching = await prepareFetch({ directory, tree, objects: served, archive });
    const into = () => {
      round += 1;
      return `objects-${round}`;
    };
    const filled = () => `objects-${round}`;
    const works = {
      tarSha512sum: () => cpuSecondsOf(`tar -C '${source}' -cf - . | sha512sum`),
      importDirectory: () => importFrom(source),
      importTar: () => importFrom(archive),
      curlTar: () => cpuSecondsOf(fetching.curlTar(into())),
      agent: () => cpuSecondsOf(fetching.agent(into())),
      agentUpdate: () => cpuSecondsOf(fetching.update(filled())),
    } as const;
    const best: { -readonly [name in keyof typeof works]?: Figure } = {};
    for (let turn = 0; turn < (quick ? 1 : 3); turn += 1) {
      for (const name of Object.keys(works) as (keyof typeof works)[]) {
        const figure = await measure(works[name], bytes);
        say(`${name}: ${figure.mbPerSecond} MB/s, ${figure.cpuSeconds.toFixed(2)} CPU seconds`);
        if (name.startsWith("agent")) say(fetching.parts());
        best[name] = better(best[name], figure);
        if (name === "agent") continue;
        for (let made = 1; made <= round; made += 1)
          rmSync(join(directory, `objects-${made}`), { recursive: true, force: true });
      }
    }
    const ratio = (name: keyof typeof works, beside: keyof typeof works) =>
      Math.round((100 * (best[name]?.mbPerSecond ?? 0)) / (best[beside]?.mbPerSecond ?? 1)) / 100;
    const ratios = {
      importDirectory: ratio("importDirectory", "tarSha512sum"),
      importTar: ratio("importTar", "tarSha512sum"),
      agent: ratio("agent", "curlTar"),
      agentUpdate: ratio("agentUpdate", "curlTar"),
    };
    const origin = await measureOrigin(directory, quick);
    return { cpus: availableParallelism(), files, bytes, ...best, ratios, origin };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, origin: { type: "boolean" }, help: { type: "boolean" } },
});
if (values.help) process.stdout.write(about);
else process.stdout.write(`${JSON.stringify(await run(values.quick === true, values.origin === true))}\n`);
