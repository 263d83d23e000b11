import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cacheDirectory } from "../../src/main/paths.ts";
import { testSeed } from "../support/seed.ts";
import { buildHarness, bundleTarget } from "./build.ts";

/** Seconds for each target; a night of `FUZZ_SECONDS=7200` is worth more than the default. */
const seconds = Number(process.env.FUZZ_SECONDS ?? 60);
const targets = ["http", "json", "tls", "arguments", "objects", "peer", "place"] as const;
const outputKept = 8000;

let directory: string;
let harness: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-fuzz-native-"));
  harness = await buildHarness({ cacheDirectory, log: () => undefined });
});
after(() => rm(directory, { recursive: true }));

/** Runs the harness; its exit status and the end of its output. */
async function fuzz(script: string, words: readonly string[]): Promise<{ status: number | null; output: string }> {
  const env = { ...process.env, FUZZ_SCRIPT: script, ASAN_OPTIONS: "detect_leaks=0" };
  const child = spawn(harness, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (piece: Buffer) => {
      output = (output + piece.toString()).slice(-outputKept);
    });
  const [status] = await once(child, "close");
  return { status, output };
}

for (const target of targets) {
  const seeds = join(import.meta.dirname, "seeds", target);

  test(`${target}: every seed, and every input that was once a fault`, async () => {
    const script = await bundleTarget(target, directory);
    const inputs = (await readdir(seeds)).map((name) => join(seeds, name));
    assert.ok(inputs.length >= 2, `${seeds}: expected seeds, found ${inputs.length}`);
    const { status, output } = await fuzz(script, inputs);
    assert.equal(status, 0, output);
  });

  test(`${target}: mutated inputs for ${seconds} s, guided by coverage`, async () => {
    const script = await bundleTarget(target, directory);
    const corpus = join(directory, `${target}-corpus`);
    await mkdir(corpus);
    const { status, output } = await fuzz(script, [
      ...[`-max_total_time=${seconds}`, `-seed=${testSeed}`, "-max_len=16384", "-rss_limit_mb=2048", "-timeout=20"],
      ...["-print_final_stats=1", `-artifact_prefix=${seeds}/fault-`, corpus, seeds],
    ]);
    // The input stays beside the seeds, where the test above repeats it: mend the fault, and commit both.
    assert.equal(status, 0, output);
    assert.match(output, /stat::number_of_executed_units: [1-9]/);
  });
}
