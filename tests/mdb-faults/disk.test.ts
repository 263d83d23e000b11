import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock } from "../../src/mdb/testing/fleet.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const open = (path: string) => openStore({ path, clock: stillClock(), log: () => {} });

await insideNamespace(import.meta.url, () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-disk-"));
  after(() => {
    execFileSync("umount", [directory]);
    rmSync(directory, { recursive: true });
  });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", directory]);

  test("a full disk: changes are refused with the file's name, memory matches the disk, and with free space writes continue", async () => {
    const path = join(directory, "full.sqlite");
    const ballast = join(directory, "ballast");
    writeFileSync(ballast, Buffer.alloc(1 << 20));
    let held = 0;
    {
      await using store = await open(path);
      let refusal: unknown;
      for (let n = 1; refusal === undefined && n < 20_000; n += 50) {
        const asked = Array.from({ length: 50 }, (_, k) => store.apply(asks(n + k)));
        for (const result of await Promise.allSettled(asked)) {
          if (result.status === "fulfilled") held += 1;
          else refusal = result.reason;
        }
      }
      assert.match(
        String(refusal),
        /changes could not be written to .*full\.sqlite: the disk is full; free some space/,
      );
      assert.equal(store.list().length, held);
      rmSync(ballast);
      assert.equal((await store.apply(asks(30_000))).kind, "changed");
    }
    {
      await using again = await open(path);
      assert.equal(again.list().length, held + 1);
    }
    rmSync(path);
  });
});
