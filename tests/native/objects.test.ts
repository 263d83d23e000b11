import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testSeed } from "../support/seed.ts";
import { runProgram } from "./native-program.ts";

/** The contents below a directory, by their names; each must have the hash that is its name. */
function contentsIn(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((part) =>
    readdirSync(join(directory, part)).map((rest) => {
      const bytes = readFileSync(join(directory, part, rest));
      assert.equal(createHash("sha512").update(bytes).digest("hex"), `${part}${rest}`);
      return `${part}${rest}`;
    }),
  );
}

test("stores contents in threads while they arrive; what is cut is continued, what is forged or too much stays out", async () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-objects-"));
  try {
    const result = await runProgram(directory, "objects", [directory, String(testSeed)]);
    const names = result.expected.map(({ sha512 }: { readonly sha512: string }) => sha512);
    const has = (place: string) => (existsSync(join(directory, place)) ? contentsIn(join(directory, place)) : []);
    assert.deepEqual(result.whole, { stored: names.length }, `TEST_SEED=${testSeed}`);
    assert.deepEqual(result.again, { stored: names.length });
    assert.deepEqual([...has("whole")].sort(), [...new Set<string>(names)].sort());
    assert.match(result.forged.error, /^fetched object: expected SHA-512 [0-9a-f]{16}…, found .*damaged or forged$/);
    assert.ok(!has("forged").includes(names[2]));
    assert.match(result.forgedLarge.error, /damaged or forged/);
    assert.deepEqual(has("forgedLarge"), []);
    assert.deepEqual(result.cut, { stored: 4 });
    assert.deepEqual([...has("cut")].sort(), names.slice(0, 4).sort());
    assert.deepEqual(result.cutLarge, { stored: 0 });
    assert.deepEqual(result.empty, { stored: 0 });
    for (const { at, ...found } of result.broken)
      assert.deepEqual(
        found,
        {
          first: { stored: 3 },
          ...{ kept: at, second: { stored: 0 }, keptAgain: Math.max(at, 4 * 2 ** 20) },
          ...{ third: { stored: 2 }, left: 0 },
        },
        `broken at ${at}`,
      );
    for (const { at } of result.broken) assert.equal(has(`broken-${at}`).length, 5);
    assert.match(result.poisoned.whole.error, /damaged or forged/);
    assert.deepEqual(
      { ...result.poisoned, whole: {} },
      { half: { stored: 0 }, whole: {}, forged: true, kept: 0, anew: { stored: 1 }, isForged: "" },
    );
    assert.match(result.gone.removed.error, /^write object .*No such file/);
    assert.deepEqual(
      { ...result.gone, removed: {} },
      { other: { stored: 3 }, afterOther: 0, forgotten: 0, removed: {}, whole: { stored: 1 } },
    );
    assert.equal(has("gone").length, 4);
    assert.match(result.begun, /expected the number of bytes that are kept/);
    assert.match(result.tooMuch.error, /expected 2 objects, found more bytes/);
    assert.match(result.noDirectory.error, /Bad file descriptor|no session/);
    for (const refusal of result.plans) assert.match(refusal, /expected lines of a SHA-512 and a size/);
    for (const refusal of result.closed) assert.match(refusal, /no session is open/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
