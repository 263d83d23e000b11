import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { bundleForQuickJs } from "../src/bootstrap-image/program/bundle.ts";
import { buildNative } from "../src/bootstrap-image/program/native.ts";
import { cacheDirectory } from "../src/main/paths.ts";
import { say } from "./environment.ts";

const about = `What birther-agent's work costs on a JavaScript engine: scan, manifest, comparison, hashes, peak memory.

  bench/agent [PROGRAM…]   native programs to compare (default: the one of this checkout)

  --files N     files of the image (default 60000)
  --root DIR    tree to scan (default /usr/share/doc)
  --rounds N    rounds; the fastest time of each part counts (default 3)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: "string", default: "60000" },
    root: { type: "string", default: "/usr/share/doc" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

type Figures = Record<string, number>;

/** The least of each figure in two runs. */
function least(one: Figures, other: Figures): Figures {
  return Object.fromEntries(Object.entries(one).map(([name, value]) => [name, Math.min(value, other[name] ?? value)]));
}

async function measure(programs: readonly string[], script: string): Promise<Record<string, Figures>> {
  const results: Record<string, Figures> = {};
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const program of programs) {
      const { stdout } = await promisify(execFile)(program, [script, values.root, values.files]);
      const figures: Figures = { ...JSON.parse(stdout), programBytes: (await stat(program)).size };
      say(`round ${round}: ${program}: ${stdout.trim()}`);
      results[program] = least(figures, results[program] ?? figures);
    }
  }
  return results;
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "birther-bench-"));
  try {
    const script = join(directory, "work.js");
    await writeFile(script, await bundleForQuickJs({ entry: join(import.meta.dirname, "agent-work.ts") }));
    const own =
      positionals.length > 0 ? [] : [await buildNative({ cacheDirectory, log: (_, message) => say(message) })];
    process.stdout.write(`${JSON.stringify(await measure([...positionals, ...own], script))}\n`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

if (values.help) process.stdout.write(about);
else await main();
