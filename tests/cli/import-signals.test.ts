import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { birther, outcomeOf, start } from "./birther-command.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-signals-"));
after(() => rmSync(directory, { recursive: true }));
const source = join(directory, "source");
mkdirSync(source);
drawWholeSystem(source);
writeFileSync(join(source, "usr/large"), "");
/** Its import takes seconds, and is ended while it writes. */
const largeBytes = 1.5 * 2 ** 30;
truncateSync(join(source, "usr/large"), largeBytes);

/** Drafts of a store; those of indexes and of packs alike. */
function draftsIn(state: string): readonly string[] {
  try {
    return readdirSync(join(state, "objects/drafts"));
  } catch {
    return [];
  }
}

/** Starts an import, waits until it writes, and ends it with a signal. */
async function importUntil(signal: "SIGTERM" | "SIGKILL", state: string) {
  const child = start(["image", "import", "compute", source, "--state", state]);
  const outcome = outcomeOf(child);
  while (draftsIn(state).length === 0 && child.exitCode === null) await wait(5);
  child.kill(signal);
  return await outcome;
}

test("an import that gets SIGTERM adds no image and leaves no draft", async () => {
  const state = join(directory, "terminated");
  const { status, err } = await importUntil("SIGTERM", state);
  assert.equal(status, 130, err);
  assert.match(err, /import interrupted; no image was added/);
  assert.deepEqual(draftsIn(state), []);
});

test("the drafts of a killed import go with the next one", async () => {
  const state = join(directory, "killed");
  await importUntil("SIGKILL", state);
  assert.notDeepEqual(draftsIn(state), []);
  truncateSync(join(source, "usr/large"), 1 << 20);
  const again = await birther("image", "import", "compute", source, "--state", state);
  assert.equal(again.status, 0, again.err);
  assert.match(again.out, /^compute\/1: /);
  assert.deepEqual(draftsIn(state), []);
});
