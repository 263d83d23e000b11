/** Writes a fleet of so many machines into an empty database, by the way that every change goes: PLACE MACHINES. */

import { systemClock as clock } from "../src/main/system-ports.ts";
import type { Ledger, MachineEntry } from "../src/mdb/journal/journal.ts";
import { isPostgres } from "../src/mdb/postgres/connection-string.ts";
import { openPostgresLedger } from "../src/mdb/postgres/journal.ts";
import { openLedgerThread } from "../src/mdb/sqlite/thread.ts";
import { fleetOf } from "./mdb-fleet.ts";

const batchMachines = 1000;
const [place = "", count = "0"] = process.argv.slice(2);

async function write(ledger: Ledger, position: number, entries: readonly MachineEntry[]): Promise<number> {
  const takeNews = () => {
    throw new Error(`somebody else writes to ${place}`);
  };
  return (await ledger.commit({ since: () => position, takeNews, entries: () => entries })) + entries.length;
}

const log = () => {};
await using ledger: Ledger = isPostgres(place)
  ? await openPostgresLedger({ place, clock, log })
  : await openLedgerThread(place);
let { position } = await ledger.load();
let entries: MachineEntry[] = [];
for await (const machine of fleetOf(Number(count))) {
  const event = { kind: "subSeen", id: machine.id } as const;
  entries.push({ kind: "machine", machine, before: undefined, event, atMs: machine.lastSeenAtMs, absorbed: [] });
  if (entries.length < batchMachines) continue;
  position = await write(ledger, position, entries);
  entries = [];
}
if (entries.length > 0) await write(ledger, position, entries);
