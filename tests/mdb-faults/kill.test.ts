import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { checkFleet } from "../../src/core/machine/check.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import { readMachines } from "../../src/mdb/journal/read-machine.ts";
import { openSqliteJournal } from "../../src/mdb/sqlite/journal.ts";
import { testMac } from "../../src/mdb/testing/fleet.ts";
import { below, chanceOf } from "../support/chance.ts";
import { testSeed } from "../support/seed.ts";

/** KILL_ROUNDS=1000 for the long run. */
const rounds = Number(process.env.KILL_ROUNDS ?? 40);
/** Rounds per file, because checking an old file takes longer than filling it. */
const roundsPerFile = 50;
const limitMs = 60_000;
/** When each writer is killed. */
const chance = chanceOf(testSeed);
/** Longest life of a writer after its first acknowledgement. */
const lifeMs = 120;

const directory = mkdtempSync(join(tmpdir(), "birther-kill-"));
after(() => rmSync(directory, { recursive: true }));

function startWriter(path: string): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "store-writer.ts"),
    path,
  ]);
}

/** Lets a writer write for a while; returns what it acknowledged before it was killed. */
async function killWriter(writer: ChildProcessWithoutNullStreams, first: number): Promise<string[]> {
  let output = "";
  writer.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  writer.stdin.write(`${first}\n`);
  // A timer that only waits would keep this process alive for a minute after the last test.
  const signal = AbortSignal.timeout(limitMs);
  await Promise.race([once(writer.stdout, "data", { signal }), once(writer, "close", { signal })]);
  await sleep(below(chance, lifeMs));
  writer.kill("SIGKILL");
  await once(writer, "close");
  // The last line may be truncated.
  const lines = output.split("\n").slice(0, -1);
  assert.ok(lines.length > 0, "the writer acknowledged something before it was killed");
  return lines;
}

/** All records of a file, after SQLite's repair on opening. */
function machinesIn(path: string): { readonly machines: readonly Machine[]; readonly position: number } {
  const journal = openSqliteJournal(path);
  try {
    const { machines, unreadable } = readMachines(journal.machinesAfter({ id: "", limit: 1_000_000 }));
    assert.deepEqual(unreadable, []);
    return { machines, position: journal.position() };
  } finally {
    journal.close();
  }
}

test(`kill -9 during writes, ${rounds} rounds: nothing acknowledged is lost or duplicated`, async () => {
  const acknowledged = new Map<string, number>();
  let notified = 0;
  let path = "";
  let next: ChildProcessWithoutNullStreams | undefined;
  try {
    for (let round = 0; round < rounds; round++) {
      if (round % roundsPerFile === 0) {
        next?.kill("SIGKILL");
        next = undefined;
        if (path !== "") rmSync(path);
        acknowledged.clear();
        path = join(directory, `${round}.sqlite`);
      }
      const writer: ChildProcessWithoutNullStreams = next ?? startWriter(path);
      next = startWriter(path);
      for (const line of await killWriter(writer, 1 + round * 100_000)) {
        const [n, revision] = line.split(" ").map(Number);
        acknowledged.set(testMac(n ?? assert.fail()), revision ?? assert.fail());
        notified += 1;
      }
      const { machines, position } = machinesIn(path);
      const revisions = new Map(machines.map(({ macs, revision }) => [macs[0] as string, revision]));
      for (const [mac, revision] of acknowledged) {
        const kept = revisions.get(mac) ?? 0;
        assert.ok(kept >= revision, `round ${round}: ${mac}: revision ${revision} was acknowledged, ${kept} is there`);
      }
      const changes = machines.reduce((sum, { revision }) => sum + revision, 0);
      assert.equal(changes, position, `round ${round}: each change has one position`);
      assert.deepEqual(checkFleet(machines), []);
    }
  } finally {
    next?.kill("SIGKILL");
  }
  assert.ok(notified > rounds, `${notified} acknowledgements`);
});
