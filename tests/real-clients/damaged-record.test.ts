import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { storedRecord } from "../../src/contract/machine-record.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock } from "../../src/mdb/testing/fleet.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { mac, startSite } from "./site.ts";
import { asPxe, udhcpc } from "./udhcpc.ts";

const id = machineIdFromMac(macOf(mac));

/** A database with a healthy machine at 10.77.1.65 whose state nobody can read. */
async function writeDamaged(path: string): Promise<void> {
  {
    await using store = await openStore({ path, clock: stillClock(), log: () => undefined });
    await store.apply({ ...asks(1), mac: macOf(mac) });
  }
  const own = { id, macs: [macOf(mac)], permanentAddress: ip("10.77.1.65"), firmware: "bios" } as const;
  const document = JSON.stringify({ ...storedRecord(testMachine("healthy", own)), state: "dead" });
  const database = new DatabaseSync(path);
  database.prepare("UPDATE machines SET document = ? WHERE id = ?").run(document, id);
  database.close();
}

await insideNamespace(import.meta.url, () => {
  test("a machine whose record is damaged, on a nursery: it keeps its address, starts from its disk, and is named", async () => {
    const directory = mkdtempSync(join(tmpdir(), "birther-damaged-"));
    try {
      const database = join(directory, "mdb.sqlite");
      await writeDamaged(database);
      await using site = await startSite({ database });
      assert.deepEqual([site.store.list(), site.store.unreadable().map((record) => record.id)], [[], [id]]);

      const rom = await udhcpc(site.wire, asPxe);
      assert.equal(rom.status, 0, site.lines.join("\n"));
      assert.deepEqual([rom.given.get("ip"), rom.given.get("boot_file")], ["10.77.1.65", undefined]);
      const system = await udhcpc(site.wire, []);
      assert.equal(system.given.get("ip"), "10.77.1.65", "its system has the address that it had");

      await site.wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", site.wire.clientInterface]);
      const { output } = await site.wire.run(["curl", "-sS", "-m", "60", `http://10.77.0.1/boot/${mac}.ipxe`]);
      assert.match(output, /^#!ipxe\n(exit 1|sanboot .*)\n$/, "no installation");
      assert.deepEqual(site.store.list(), [], "nothing was recorded in its place");
      assert.ok(site.lines.some((line) => /the record of m-5254000a0b0c in the MDB is invalid/.test(line)));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
