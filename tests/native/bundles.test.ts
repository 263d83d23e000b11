import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";

/** Parts of the engine with published faults that no script on a machine uses (docs/decisions/javascript-engine.md). */
const unused = ["BigInt", "Atomics", "SharedArrayBuffer", "FinalizationRegistry", "WeakRef", "Iterator.", "async "];

for (const entry of ["main.ts", "agent/main.ts", "watchdog/watchdog.ts"])
  test(`${entry}: the script uses no part of the engine that nobody reviewed`, async () => {
    const bytes = await bundleForQuickJs({ entry: join(import.meta.dirname, "../../src/init", entry) });
    const script = Buffer.from(bytes).toString("utf8");
    assert.deepEqual(
      unused.filter((part) => script.includes(part)),
      [],
    );
  });
