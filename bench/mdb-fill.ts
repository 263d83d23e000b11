/** Writes a fleet into an empty database, as every change is written. Arguments: DATABASE MACHINES. */

import { systemClock as clock } from "../src/main/system-ports.ts";
import type { Journal, MachineEntry } from "../src/mdb/journal/journal.ts";
import { isPostgres } from "../src/mdb/postgres/connection-string.ts";
import { openPostgresJournal } from "../src/mdb/postgres/journal.ts";
import { openJournalThread } from "../src/mdb/sqlite/thread.ts";
import { fleetOf } from "./mdb-fleet.ts";

const batchMachines = 1000;
const [place = "", count = "0"] = process.argv.slice(2);

async function write(journal: Journal, position: number, entries: readonly MachineEntry[]): Promise<number> {
  const applyRemote = () => {
    throw new Error(`filling ${place}: expected to be its only writer, found changes of another one`);
  };
  return (
    (await journal.commit({ since: () => position, known: () => undefined, applyRemote, entries: () => entries })) +
    entries.length
  );
}

const log = () => {};
await using journal: Journal = isPostgres(place)
  ? await openPostgresJournal({ url: place, clock, log })
  : await openJournalThread(place);
let { position } = await journal.load();
let entries: MachineEntry[] = [];
for await (const machine of fleetOf(Number(count))) {
  const event = { kind: "subSeen", id: machine.id } as const;
  entries.push({ kind: "machine", machine, before: undefined, event, atMs: machine.lastSeenAtMs, absorbed: [] });
  if (entries.length < batchMachines) continue;
  position = await write(journal, position, entries);
  entries = [];
}
if (entries.length > 0) await write(journal, position, entries);
