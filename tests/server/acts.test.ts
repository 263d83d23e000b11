import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { leaveAct } from "../../src/main/acts/leave-act.ts";
import { openActTaker } from "../../src/main/acts/take-acts.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { stillClock } from "../../src/mdb/testing/fleet.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-acts-"));
after(() => rmSync(parent, { recursive: true }));
// A taker looks when a test says so, and not also after some seconds, between two steps of it.
mock.timers.enable({ apis: ["setInterval"] });

let count = 0;
/** A state directory, and a server's MDB for it. */
async function openState() {
  count += 1;
  const state = join(parent, `state-${count}`);
  const directory = join(state, "acts");
  mkdirSync(state);
  const lines: string[] = [];
  const log = (_level: string, message: string, facts?: object) =>
    void lines.push(`${message} ${JSON.stringify(facts)}`);
  const store = await openStore({ path: join(state, "mdb.sqlite"), clock: stillClock(), log });
  return { state, directory, lines, store, taking: { directory, store, log } };
}

const act = { action: "import image", subject: "compute", facts: { source: "/srv/c.tar" }, reason: "fixes" };
const describe = () => ({ ...act, subject: "compute/3", facts: { ...act.facts, entries: 4 } });

test("what a process does to the files is in the audit once a server looks, and once only", async () => {
  const { state, directory, store, taking } = await openState();
  await using _store = store;
  assert.equal(await leaveAct(state, act, { work: async () => 5, describe }), 5);
  assert.equal(readdirSync(directory).length, 1);
  {
    await using _taker = await openActTaker(taking);
    assert.deepEqual(readdirSync(directory), [], "taken at the start of the server");
  }
  await using taker = await openActTaker(taking);
  await leaveAct(state, act, { work: async () => "again", describe: () => ({ ...describe(), subject: "compute/4" }) });
  const [file = ""] = readdirSync(directory);
  const text = readFileSync(join(directory, file), "utf8");
  await Promise.all([taker.look(), taker.look()]);
  const entries = await store.audit({ limit: 10 });
  assert.deepEqual(
    entries.map(({ action, subject, by, request, after: facts }) => [action, subject, by, request?.reason, facts]),
    ["compute/4", "compute/3"].map((subject) => [
      ...["import image", subject, "uid:root", "fixes"],
      { source: "/srv/c.tar", entries: 4 },
    ]),
  );
  assert.deepEqual(
    entries.map(({ request }) => request?.from),
    ["local", "local"],
  );
  // A power cut after the write into the audit, before the file went.
  writeFileSync(join(directory, file), text);
  await taker.look();
  assert.equal((await store.audit({ limit: 10 })).length, 2);
  assert.deepEqual(readdirSync(directory), []);
});

test("nothing is left of an act that fails, or that found nothing to do", async () => {
  const { state, directory, store, taking } = await openState();
  await using _store = store;
  const fail = async () => {
    assert.equal(readdirSync(directory).length, 1, "on the disk before the work begins");
    throw new Error("no whole system");
  };
  await assert.rejects(leaveAct(state, act, { work: fail, describe }), /no whole system/);
  await leaveAct(state, act, { work: async () => {}, describe: () => undefined });
  assert.deepEqual(readdirSync(directory), []);
  await using _taker = await openActTaker(taking);
  assert.deepEqual(await store.audit({ limit: 10 }), []);
});

test("an act that was killed, or that a power cut ended, is in the audit as interrupted; one that goes on is not", async () => {
  const { directory, store, taking } = await openState();
  await using _store = store;
  const program = join(parent, "hang.ts");
  writeFileSync(
    program,
    `import { leaveAct } from ${JSON.stringify(join(import.meta.dirname, "../../src/main/acts/leave-act.ts"))};
await leaveAct(${JSON.stringify(join(directory, ".."))}, ${JSON.stringify(act)}, {
  work: async () => { process.stdout.write("begun\\n"); await new Promise(() => setInterval(() => {}, 1000)); },
  describe: () => undefined,
});`,
  );
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await using taker = await openActTaker(taking);
  assert.deepEqual(await store.audit({ limit: 10 }), [], "its process goes on");
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  await taker.look();
  // As another boot of this computer left it.
  const earlier = {
    id: "0badcafe",
    action: "build image",
    subject: "Bootstrap Image",
    by: "uid:olga",
    atMs: 7,
    facts: {},
  };
  writeFileSync(join(directory, "pid-7-7-000000001.0badcafe.json"), JSON.stringify(earlier));
  await taker.look();
  assert.deepEqual(
    (await store.audit({ limit: 10 })).map(({ subject, after: facts }) => [subject, facts]),
    [
      ["Bootstrap Image", { interrupted: true }],
      ["compute", { source: "/srv/c.tar", interrupted: true }],
    ],
  );
  assert.deepEqual(readdirSync(directory), []);
});

test("a file that is no act is named once in the log, and the others are taken", async () => {
  const { state, directory, store, taking, lines } = await openState();
  await using _store = store;
  await leaveAct(state, act, { work: async () => {}, describe });
  writeFileSync(join(directory, "a.json"), "{");
  writeFileSync(join(directory, "b.json"), JSON.stringify({ ...act, id: "x" }));
  writeFileSync(join(directory, "c.json"), " ".repeat(70_000));
  mkdirSync(join(directory, "d.json"));
  await using taker = await openActTaker(taking);
  await taker.look();
  assert.equal((await store.audit({ limit: 10 })).length, 1);
  assert.equal(lines.filter((line) => line.includes("cannot be read")).length, 4, lines.join("\n"));
});
