/**
 * Every reader of network data, fed with mutated packets: none may throw, or take long. Inputs depend only on
 * TEST_SEED. FUZZ_INPUTS is their number for all readers together (ten million in `./test fuzz`). A failing input is
 * stored in tests/captures/fuzz and tried first from then on.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { chanceOf } from "../support/chance.ts";
import { testSeed } from "../support/seed.ts";
import { mutate } from "./mutate.ts";
import { type Reader, readers } from "./readers.ts";

const inputs = Number(process.env.FUZZ_INPUTS ?? 10_000_000);
/** Limit for one input of at most 2 KiB: a thousand times the usual time, so that only unbounded growth is found. */
const longestMs = 1000;
const kept = new URL("../captures/fuzz/", import.meta.url);
const fileOf = (reader: Reader): string => reader.name.toLowerCase().replace(/ /g, "-");

/** Only an input that is slow every time counts, because on a busy computer anything may have to wait once. */
const triesIfSlow = 5;

function tryOne(reader: Reader, bytes: Uint8Array): void {
  for (let tries = 0; tries < triesIfSlow; tries += 1) {
    const begunMs = performance.now();
    try {
      reader.read(bytes);
    } catch (cause) {
      keep(reader, bytes, `threw ${cause}`, cause);
    }
    if (performance.now() - begunMs <= longestMs) return;
  }
  keep(reader, bytes, `took longer than ${longestMs} ms, ${triesIfSlow} times`);
}

function keep(reader: Reader, bytes: Uint8Array, what: string, cause?: unknown): never {
  mkdirSync(kept, { recursive: true });
  const file = new URL(
    `${fileOf(reader)}-${Buffer.from(bytes).toString("hex").slice(0, 12)}-${bytes.length}.bin`,
    kept,
  );
  writeFileSync(file, bytes);
  throw new Error(`${reader.name} ${what}; the input is kept in ${file.pathname} (TEST_SEED=${testSeed})`, { cause });
}

for (const reader of readers) {
  test(`${reader.name}: inputs that failed earlier`, () => {
    for (const name of readdirSync(kept))
      if (name.startsWith(`${fileOf(reader)}-`) && name.endsWith(".bin"))
        tryOne(reader, readFileSync(new URL(name, kept)));
  });
  test(`${reader.name}: ${Math.ceil(inputs / readers.length)} mutated inputs`, () => {
    const chance = chanceOf(testSeed);
    for (const whole of reader.seeds) tryOne(reader, whole);
    for (let done = 0; done < inputs / readers.length; done += 1) tryOne(reader, mutate(reader.seeds, chance));
  });
}
