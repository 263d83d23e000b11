import assert from "node:assert/strict";
import { test } from "node:test";
import { declinedMs } from "../../core/dhcp/pool/declined.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import { ip, macOf } from "../../core/net/testing/addresses.ts";
import type { Store } from "../../core/ports.ts";
import { documentMemory } from "../../mdb/store/document-memory.ts";
import { openDeclinedBook } from "./declined-addresses.ts";

const mac = macOf("525400000001");
const [one, two] = [ip("10.77.0.50"), ip("10.77.0.51")];

/** Documents as the Store keeps them: another list after each change. `fail` makes the database fail. */
function shelf() {
  const memory = documentMemory([]);
  let failing = false;
  const change = async (changed: Parameters<typeof memory.apply>[0][number]) => {
    if (failing) throw new Error("no database");
    memory.apply([changed]);
  };
  const store: Pick<Store, "documents" | "putDocument" | "dropDocument"> = {
    documents: memory.of,
    putDocument: ({ kind, key, document }) => change({ kind, key, document, position: 1 }),
    dropDocument: ({ kind, key }) => change({ kind, key, position: 2 }),
  };
  const keys = () => memory.of("declinedAddress").map(({ key }) => key);
  return { store, keys, fail: () => (failing = true) };
}

function opened(store: ReturnType<typeof shelf>["store"], at: { nowMs: number }) {
  const lines: string[] = [];
  const clock = { nowMs: () => at.nowMs, monotonicMs: () => at.nowMs };
  const book = openDeclinedBook({ store, clock, log: (level, message) => void lines.push(`${level} ${message}`) });
  return { lines, book };
}

test("an address declined on one server is unused on the other, and after a restart, until the hour is over", async () => {
  const at = { nowMs: 1000 };
  const { store, keys } = shelf();
  const [{ book: here }, { book: there }] = [opened(store, at), opened(store, at)];
  here.add(one, mac);
  const known = [{ address: one, mac, untilMs: 1000 + declinedMs }];
  for (const book of [here, there, opened(store, at).book]) {
    assert.deepEqual(book.list(), known);
    assert.deepEqual([book.has(one), book.has(two)], [true, false]);
  }
  at.nowMs += declinedMs;
  for (const book of [here, there]) assert.deepEqual([book.list(), book.has(one)], [[], false]);
  assert.deepEqual(keys(), ["10.77.0.50"]);
  there.add(two, mac);
  assert.deepEqual(keys(), ["10.77.0.51"]);
  at.nowMs += declinedMs;
  opened(store, at);
  assert.deepEqual(keys(), []);
});

test("a declined address is unused at once, even if recording it fails, which is logged", async () => {
  const { store, fail } = shelf();
  fail();
  const { book, lines } = opened(store, { nowMs: 0 });
  book.add(one, mac);
  assert.ok(book.has(one));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lines, ["error recording a declined address failed"]);
});

test("the list has each address once, in order, with the later time", () => {
  const at = { nowMs: 0 };
  const { store } = shelf();
  const [{ book: here }, { book: there }] = [opened(store, at), opened(store, at)];
  here.add(two, mac);
  here.add(one, mac);
  at.nowMs = 5;
  there.add(two, mac);
  const shown = here.list().map(({ address, untilMs }): [Ipv4, number] => [address, untilMs]);
  assert.deepEqual(shown, [
    [one, declinedMs],
    [two, 5 + declinedMs],
  ]);
});
