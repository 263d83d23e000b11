import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { documentMemory } from "../store/document-memory.ts";
import { fingerprintOf } from "./authorities.ts";
import { openTrust } from "./authority.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-authority-"));
after(() => rmSync(parent, { recursive: true }));
const clock = { nowMs: () => Date.parse("2026-11-22T00:00:00Z"), monotonicMs: () => 0 };
const log = () => {};

/** The part of an MDB that keeps a fingerprint; `position` 0 means that it has not served a machine yet. */
function mdb(position = 0) {
  const memory = documentMemory([]);
  const store: Parameters<typeof openTrust>[0]["store"] = {
    documents: memory.of,
    replaceDocument: async ({ kind, key, document, onlyIf }) => {
      if (!onlyIf(memory.get(kind, key))) return "overtaken";
      memory.apply([{ kind, key, document, position: 1 }]);
      return "written";
    },
    unreadableDocuments: memory.unreadable,
    position: () => position,
  };
  return { ...store, tear: () => memory.apply([{ kind: "authority", key: "ca", position: 1, fault: "torn" }]) };
}
const open = (name: string, store: ReturnType<typeof mdb>) =>
  openTrust({ store, directory: join(parent, name), clock, log });

test("the first start makes an authority and stores its fingerprint in the MDB; the next start finds both", async () => {
  const store = mdb();
  const first = await open("a", store);
  assert.deepEqual(store.documents("authority")[0]?.document, { fingerprint: fingerprintOf(first.caPem) });
  assert.equal((await open("a", store)).caPem, first.caPem);
});

test("a recorded authority that cannot be read is no reason to record another", async () => {
  const store = mdb(7);
  store.tear();
  await assert.rejects(open("torn", store), /document authority .*invalid: torn; if a newer server wrote it, update/);
});

test("an MDB that was restored without its authority does not silently get a new one", async () => {
  const store = mdb();
  await open("b", store);
  rmSync(join(parent, "b"), { recursive: true });
  await assert.rejects(
    open("b", store),
    /expected the certificate authority [0-9A-F:]+, .*; restore .*b\/ca\.key and .*b\/ca\.pem/,
  );
  assert.equal(statSync(join(parent, "b"), { throwIfNoEntry: false }), undefined, "nothing was made");
});

test("a server with another authority on the same MDB is refused, with both fingerprints", async () => {
  const store = mdb();
  const { caPem } = await open("c", store);
  const other = await open("d", mdb());
  const both = new RegExp(`expected fingerprint ${fingerprintOf(caPem)}, found ${fingerprintOf(other.caPem)}; restore`);
  await assert.rejects(open("d", store), both);
  rmSync(join(parent, "d"), { recursive: true });
  cpSync(join(parent, "c"), join(parent, "d"), { recursive: true });
  assert.equal((await open("d", store)).caPem, caPem, "with the first server's files it serves");
});

test("an MDB of the previous version adopts the existing authority", async () => {
  const before = await open("e", mdb());
  const store = mdb(4000);
  assert.equal((await open("e", store)).caPem, before.caPem);
  assert.equal(store.documents("authority").length, 1);
});

test("an incomplete authority is replaced after an interrupted first start, and never if machines may trust it", async () => {
  await open("f", mdb());
  rmSync(join(parent, "f", "ca.pem"));
  await assert.rejects(open("f", mdb(4000)), /expected both ca\.key and ca\.pem, found only one/);
  await open("f", mdb());
});

test("two servers that start first at the same time on one MDB: one authority counts, and the other server is refused", async () => {
  const store = mdb();
  const starts = await Promise.allSettled([open("g1", store), open("g2", store)]);
  const [winner, ...others] = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const [refusal] = starts.flatMap((start) => (start.status === "rejected" ? [String(start.reason)] : []));
  assert.equal(others.length, 0, "machines of the other one would never find the first again");
  assert.deepEqual(store.documents("authority")[0]?.document, { fingerprint: winner?.issuing });
  assert.match(refusal ?? "", /does not hold the authority of this MDB: .*copy them from another server/);
});

test("an MDB of a version that recorded no authority, restored without its files, does not get a new one", async () => {
  await assert.rejects(
    open("h", mdb(4000)),
    /h: expected the certificate authority that the machines of this MDB trust, found none; restore .*h\/ca\.key and .*h\/ca\.pem/,
  );
  assert.equal(existsSync(join(parent, "h")), false, "nothing was made");
});
