import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock as clock } from "../../src/main/system-ports.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { guardFleet } from "../../src/mdb/store/fleet-mark.ts";
import { asks } from "../../src/mdb/testing/fleet.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-mark-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "mdb.sqlite");
const mark = join(directory, "mark");
const open = () => openStore({ path, clock, log: () => {} });

test("a lost database is not mistaken for a new fleet until an operator removes the mark", async () => {
  {
    await using store = await open();
    guardFleet({ store, mark, database: path });
    assert.equal(existsSync(mark), false, "no machine was served yet");
    await store.apply(asks(1));
    assert.equal(existsSync(mark), true);
  }
  {
    await using store = await open();
    guardFleet({ store, mark, database: path });
  }
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  {
    await using store = await open();
    assert.throws(
      () => guardFleet({ store, mark, database: path }),
      /found an empty database.*\(birther mdb restore\).* remove .*mark$/,
    );
  }
  rmSync(mark);
  await using store = await open();
  guardFleet({ store, mark, database: path });
});
