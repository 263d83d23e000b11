import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import type { Clock, Store } from "../../src/core/ports.ts";
import { systemRandom as random } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { storeOn } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { openPostgresJournal } from "../../src/mdb/postgres/journal.ts";
import { birthOf, stillClock, until } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { startPostgres } from "./postgres-server.ts";

const log = () => {};
const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());

const clock: Clock = { ...stillClock(), monotonicMs: () => performance.now() };
const openOn = async (place: string) =>
  storeOn({ journal: await openPostgresJournal({ url: place, clock, log, pollMs: 100, retryMs: 5000 }), clock, log });

/** The answer of a process with this store to a batch; it may send two machines of a group to rebirth. */
function process(store: Store) {
  const app = operatorApp({
    models: modelsOf(store),
    ...{ store, clock, log, version: "test", ...callersIn({ store, clock, random, log }) },
    ...{ deadlineSeconds: defaultDeadlineSeconds, blastRadius: { machines: 2, percent: 0, perSeconds: 3600 } },
    ...{
      exports: openLoneExports(store, clock),
      backup: () => Promise.reject(new Error("nobody asks")),
      networks: () => [],
      packetsOf: () => [],
      catalogue: noCatalogue(),
      images: async () => [],
    },
  });
  return async (...names: string[]) => {
    const body = JSON.stringify({ action: "rebirth", select: { names } });
    const headers = { "content-type": "application/json" };
    const listener = { kind: "socket", user: "test" } as const;
    const answer = await app.request("/v1/batch", { method: "POST", body, headers }, { listener });
    const { results = [] } = (await answer.json()) as { results?: { outcome: string }[] };
    return { status: answer.status, done: results.filter(({ outcome }) => outcome === "done").length };
  };
}

describe("the blast radius over several processes on one PostgreSQL", () => {
  test("concurrent requests on all servers cannot exceed the blast radius", async () => {
    const place = await server.createDatabase();
    await using one = await openOn(place);
    await using two = await openOn(place);
    const [atOne, atTwo] = [process(one), process(two)];
    for (let round = 0; round < 10; round += 1) {
      // A group of its own for each round, of four machines.
      const units = [1, 2, 3, 4].map((n) => round * 4 + n);
      for (const unit of units) {
        for (const event of birthOf(unit)) await one.apply(event);
        const { id } = one.find(`r01u${unit}`) ?? assert.fail();
        await one.apply({ kind: "detailsSet", id, by: "test", details: { groups: [`g${round}`] } });
      }
      await until("both know the machines", () => two.position() === one.position());
      const [a, b, c, d] = units.map((unit) => `r01u${unit}`) as [string, string, string, string];
      const outcomes = await Promise.all([atOne(a, b), atTwo(c, d), atOne(c), atTwo(a)]);
      await until("both are at one position", () => two.position() === one.position());
      for (const store of [one, two]) {
        const away = store.list().filter(({ groups, state }) => groups?.includes(`g${round}`) && state === "rebirth");
        assert.ok(away.length >= 1 && away.length <= 2, `round ${round}: ${away.length} ${JSON.stringify(outcomes)}`);
      }
    }
    // Machines sent to rebirth on one server count on the other.
    assert.equal((await atTwo("r01u1", "r01u2", "r01u3", "r01u4")).status, 409);
  });
});
