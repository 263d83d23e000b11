import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-damage-"));
after(() => rmSync(directory, { recursive: true }));
const open = (path: string) => openStore({ path, clock: stillClock(), log: () => {} });

test("a file damaged in its middle is named and not changed", async () => {
  const path = join(directory, "damaged.sqlite");
  {
    await using store = await open(path);
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.apply(asks(n + 1))));
  }
  const bytes = readFileSync(path);
  // Everything but the header and the schema's first pages.
  bytes.fill(0x5a, 5 * 4096);
  writeFileSync(path, bytes);
  await assert.rejects(open(path), (error: Error) => {
    assert.match(
      error.message,
      /damaged\.sqlite .*it is damaged or not a database, and was not changed; restore a backup/,
    );
    return true;
  });
  assert.deepEqual(readFileSync(path), bytes);
});

test("a truncated file, even an empty one, is not a new fleet", async () => {
  const path = join(directory, "cut.sqlite");
  {
    await using store = await open(path);
    await store.apply(asks(1));
    assert.ok(store.byMac(testMac(1)));
  }
  for (const size of [3 * 4096, 100, 0]) {
    truncateSync(path, size);
    await assert.rejects(open(path), /cut\.sqlite .*(damaged|empty|truncated)/, `${size} bytes`);
    assert.equal(statSync(path).size, size);
  }
});
