import assert from "node:assert/strict";
import { after, test } from "node:test";
import { asks, until } from "../../src/mdb/testing/fleet.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { startPostgres } from "./postgres-server.ts";
import { checkPounded, pound, retryingStore } from "./pounding.ts";

const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());
const machines = Array.from({ length: 40 }, (_, n) => n + 1);

test("connections cut in the middle of a commit: its result is determined, nothing is lost or duplicated", async () => {
  const place = await server.createDatabase();
  await using proxy = await startCuttingProxy(server.directory);
  await using one = await retryingStore(place.replace(server.directory, proxy.directory));
  await using two = await retryingStore(place);
  const pounding = pound([one, two], machines);
  for (let round = 1; round <= 20; round++) {
    proxy.cutCommit(round % 2 === 0 ? "before" : "after");
    await until(`commit ${round} is cut`, () => proxy.cuts() === round);
    await pounding.more(50);
  }
  await checkPounded(place, await pounding.end());
});

test("the server crashes and restarts under load: acknowledged changes are there, the rest waits and is done once", async () => {
  const place = await server.createDatabase();
  await using one = await retryingStore(place);
  await using two = await retryingStore(place);
  const pounding = pound([one, two], machines);
  await pounding.more(200);
  for (const how of ["immediate", "fast", "immediate"] as const) {
    await server.stop(how);
    await until("the store sees that the database is gone: nobody leads", () => !one.leads());
    assert.equal(one.list().length, machines.length, "memory answers all the while");
    await server.start();
    await pounding.more(200);
  }
  await until("one of them leads again", () => one.leads() !== two.leads());
  await checkPounded(place, await pounding.end());
});

test("a synchronous standby is promoted under load: the fleet continues there, nothing is lost or duplicated", async () => {
  await using primary = await startPostgres({ settings: ["synchronous_standby_names=*", "wal_level=replica"] });
  await using standby = await startPostgres({ standbyOf: primary });
  await waitFor("the standby follows", 20, async () => {
    const [follower] = await primary.ask("SELECT sync_state FROM pg_stat_replication");
    return follower?.sync_state === "sync" ? true : undefined;
  });
  const place = `postgres://birther@/postgres?host=${primary.directory},${standby.directory}`;
  await using one = await retryingStore(place);
  await using two = await retryingStore(place);
  const pounding = pound([one, two], machines);
  await pounding.more(300);
  await primary.stop("immediate");
  await standby.promote();
  await pounding.more(300);
  await checkPounded(place, await pounding.end());
});

test("an unreachable database: pending changes are refused with the next step, memory matches the database, and later writes continue", async () => {
  const place = await server.createDatabase();
  await using store = await retryingStore(place, 1500);
  await store.apply(asks(1));
  await server.stop("fast");
  const waiting = await Promise.allSettled([1, 1, 2].map((n) => store.apply(asks(n))));
  for (const result of waiting) {
    assert.match(
      String(result.status === "rejected" && result.reason),
      /could not be written to for 2 s; check that its server is running/,
    );
  }
  assert.deepEqual(
    store.list().map(({ pxe }) => pxe.requests),
    [1],
  );
  await server.start();
  // The store may take a moment to reach it again, in which it refuses.
  const written = await waitFor("the next write", 60, () => store.apply(asks(1)).catch(() => undefined));
  assert.equal(written.machine?.pxe.requests, 2);
});
