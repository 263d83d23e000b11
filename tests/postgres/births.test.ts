import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkFleet } from "../../src/core/machine/check.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { birthOf, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { startPostgres } from "./postgres-server.ts";
import { retryingStore } from "./pounding.ts";

const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());
const machines = 400;

type Birther = { readonly child: ChildProcess; readonly lines: () => string[]; readonly ended: Promise<unknown> };

function startBirther(place: string, name: string): Birther {
  const entry = join(import.meta.dirname, "birther-process.ts");
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", entry, place, name, String(machines)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return { child, lines: () => said.split("\n").slice(0, -1), ended: once(child, "close") };
}

test("two Birthers on one database, killed in the middle of births again and again: nothing lost or duplicated", async () => {
  const place = await server.createDatabase();
  const said: string[] = [];
  let survivor = startBirther(place, "boot-0");
  for (let round = 1; round <= 6; round++) {
    const victim = survivor;
    survivor = startBirther(place, `boot-${round}`);
    const goal = Math.min(40 * round, machines);
    await until(
      `births of round ${round} are under way`,
      () => {
        const begun = [...victim.lines(), ...survivor.lines()].length + said.length;
        return begun >= goal || victim.child.exitCode !== null;
      },
      90_000,
    );
    victim.child.kill("SIGKILL");
    await victim.ended;
    said.push(...victim.lines());
  }
  await survivor.ended;
  said.push(...survivor.lines());
  assert.equal(survivor.lines().at(-1), "done");

  await using store = await retryingStore(place);
  assert.deepEqual(checkFleet(store.list()), []);
  assert.equal(store.list().length, machines);
  for (let n = 1; n <= machines; n++) {
    const id = machineIdFromMac(testMac(n));
    const history = await store.history(id, 1000);
    const kinds = history.map(({ event }) => event.kind);
    const count = (kind: string) => kinds.filter((other) => other === kind).length;
    assert.deepEqual([n, count("orderIssued"), count("orderTaken")], [n, 1, 1], "an order is given once");
    assert.equal(said.filter((line) => line === `taken ${n}`).length <= 1, true, `machine ${n} was taken by one`);
    assert.ok(count("becameHealthy") <= 1);
    if (said.includes(`healthy ${n}`)) assert.equal(store.get(id)?.state, "healthy", "acknowledged changes are there");
    assert.equal(store.get(id)?.revision, history.length, "each change once");
  }
  assert.ok(said.includes("healthy 1"));

  // A machine whose Birther died with its order restarts, gets a new order, and is born.
  const waiting = store.list().filter(({ state }) => state !== "healthy");
  for (const { id } of waiting) {
    const n = Number.parseInt(id.slice(4), 16);
    const [asked, issued, taken, healthy] = birthOf(n);
    if (asked === undefined || issued?.kind !== "orderIssued" || taken?.kind !== "orderTaken" || healthy === undefined)
      assert.fail();
    for (const event of [
      asked,
      { ...issued, tokenHash: "again" },
      { ...taken, tokenHash: "again", bootId: "again" },
      healthy,
    ]) {
      assert.equal((await store.apply(event)).kind, "changed", `${n} ${event.kind}`);
    }
  }
  assert.ok(store.list().every(({ state, generation }) => state === "healthy" && generation === 1));
});
