import { fail } from "node:assert/strict";
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import pg from "pg";
import { ensurePackages } from "../src/bootstrap-image/install-packages.ts";
import type { Log } from "../src/core/ports.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { startPostgres } from "../tests/postgres/postgres-server.ts";
import { longestTurnMs } from "../tests/support/loop-turns.ts";
import { say } from "./environment.ts";

const about = `How long a reload from PostgreSQL holds the event loop that answers DHCP.

  bench/reload [--machines N] [--rounds N]   default 100000 machines, 3 rounds

A server reads the whole fleet anew when others have written more than the feed keeps. CPU milliseconds of the longest turn of
the loop in each round, without garbage collections, and seconds of the reload.
`;

const { values } = parseArgs({
  options: {
    machines: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean" },
  },
});

async function measure(): Promise<object> {
  await ensurePackages(["postgresql"], (_, message) => say(message));
  await using server = await startPostgres();
  const place = await server.createDatabase();
  say(`writing ${values.machines} machines…`);
  const fill = new URL("./mdb-fill.ts", import.meta.url).pathname;
  await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", fill, place, values.machines]);
  const log: Log = () => undefined;
  await using store = await openStore({ path: place, clock, log });
  const id = store.list()[0]?.id ?? fail("expected a machine, found none");
  const client = new pg.Client({ connectionString: place });
  await client.connect();
  const rounds: { readonly longestTurnMs: number; readonly seconds: number }[] = [];
  try {
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      // As if others had written this many changes since, and the oldest of them were deleted.
      const position = store.position() + 1_000_000;
      await client.query(`UPDATE feed SET position = ${position}, oldest = ${position}`);
      const begunMs = performance.now();
      const longest = await longestTurnMs(async () => {
        await store.apply({ kind: "detailsSet", id, by: "bench", details: { tags: { round: String(round) } } });
      });
      if (store.position() < position) throw new Error("expected a reload, found none");
      const seconds = (performance.now() - begunMs) / 1000;
      rounds.push({ longestTurnMs: Math.round(longest * 10) / 10, seconds: Math.round(seconds * 10) / 10 });
      say(`round ${round}: longest turn ${longest.toFixed(1)} ms, ${seconds.toFixed(1)} s`);
    }
  } finally {
    await client.end();
  }
  return { machines: Number(values.machines), rounds };
}

if (values.help) process.stdout.write(about);
else process.stdout.write(`${JSON.stringify(await measure())}\n`);
