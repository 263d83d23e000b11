import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineId } from "../machine/record.ts";
import { openDistribution } from "./distribution.ts";
import type { Caller } from "./roster.ts";
import type { UploadRules } from "./upload-limit.ts";

const idOf = (name: string) => name as MachineId;

function world() {
  let nowMs = 0;
  const distribution = openDistribution({ monotonicMs: () => nowMs });
  const admitted = new Set<string>();
  function ask(name: string, more: Partial<Caller> = {}, isFull = false): string {
    const caller = {
      ...{ id: idOf(name), image: "compute/1", rack: "r1", totalBytes: 100, doneBytes: 0, isWorking: false },
      ...{ endpoint: `${name}:1`, failed: [] },
      ...more,
    };
    const answer = distribution.ask(caller, { isFull });
    if (answer === "origin" && !isFull) admitted.add(name);
    if (answer === "origin") distribution.admitted(idOf(name), admitted.has(name));
    return answer === "origin" ? answer : answer.map(({ endpoint }) => endpoint).join(" ");
  }
  const pass = (seconds: number) => {
    nowMs += seconds * 1000;
  };
  return { ...distribution, ask, pass };
}

test("machines of a rack form a chain, each keeps its source, and a machine of another image has no part in it", () => {
  const { ask } = world();
  assert.equal(ask("a"), "origin");
  assert.equal(ask("b"), "a:1");
  assert.equal(ask("c"), "b:1 a:1");
  assert.equal(ask("b", { doneBytes: 50 }), "a:1");
  assert.equal(ask("x", { image: "storage/1" }), "origin");
  assert.equal(ask("y", { image: "storage/1" }), "x:1");
});

test("a machine that moves to another image begins anew", () => {
  const { ask } = world();
  ask("a");
  ask("b");
  assert.equal(ask("b", { image: "compute/2" }), "origin");
});

test("who failed is not asked again by that machine, and by nobody once two machines say so", () => {
  const { ask } = world();
  ask("a", { doneBytes: 50 });
  assert.equal(ask("b"), "a:1");
  assert.equal(ask("b", { failed: [idOf("a")] }), "origin");
  assert.equal(ask("c"), "b:1 a:1");
  assert.equal(ask("d", { failed: [idOf("a")] }), "c:1 b:1");
});

test("who falls silent or leaves serves nobody", () => {
  const { ask, pass, left } = world();
  ask("a");
  pass(40);
  ask("b");
  left(idOf("b"));
  assert.equal(ask("c"), "a:1");
  pass(30);
  assert.equal(ask("d"), "c:1");
});

test("machines that wait at a full origin are no sources, and are given one as soon as there is one", () => {
  const { ask } = world();
  assert.equal(ask("a", {}, true), "origin");
  assert.equal(ask("b", {}, true), "origin");
  assert.equal(ask("a"), "origin");
  assert.equal(ask("b", {}, true), "a:1");
});

const megabyte = 1e6;
const big = 1000 * megabyte;

/** Machines that say every five seconds how far they are, in megabytes. */
function racing() {
  const all = world();
  const sources = new Map<string, string>();
  const report = (done: { readonly [name: string]: number }, isFull = false) => {
    all.pass(5);
    for (const [name, megabytes] of Object.entries(done))
      sources.set(
        name,
        all.ask(name, { totalBytes: big, doneBytes: megabytes * megabyte }, isFull).split(" ")[0] ?? "",
      );
    return Object.fromEntries(sources);
  };
  report({ a: 0, b: 0, c: 0, d: 0 });
  return { ...all, report };
}

test("a machine whose source sends slowly gets another one, and those behind it keep theirs", () => {
  const { report } = racing();
  assert.deepEqual(report({ a: 100, b: 100, c: 1, d: 1 }), { a: "origin", b: "a:1", c: "a:1", d: "c:1" });
});

test("a machine behind one that gets everything slowly skips it", () => {
  const { report } = racing();
  assert.deepEqual(report({ a: 100, b: 1, c: 1, d: 1 }), { a: "origin", b: "origin", c: "b:1", d: "c:1" });
  assert.deepEqual(report({ a: 200, b: 2, c: 2, d: 2 }), { a: "origin", b: "origin", c: "a:1", d: "c:1" });
});

test("a slow first machine is replaced by the next one, once; where all are slow, the uplink is", () => {
  const { report } = racing();
  assert.deepEqual(report({ a: 1, b: 1, c: 1, d: 1 }), { a: "origin", b: "origin", c: "b:1", d: "c:1" });
  assert.deepEqual(report({ a: 2, b: 2, c: 2, d: 2 }), { a: "origin", b: "origin", c: "b:1", d: "c:1" });
  const { report: full } = racing();
  assert.deepEqual(full({ a: 1, b: 1, c: 1, d: 1 }, true), { a: "origin", b: "a:1", c: "b:1", d: "c:1" });
});

test("a machine that tried the server returns behind the first one, if that is not slower", () => {
  const { report } = racing();
  report({ a: 4, b: 1, c: 1, d: 1 });
  assert.deepEqual(report({ a: 8, b: 2, c: 2, d: 2 }), { a: "origin", b: "origin", c: "b:1", d: "c:1" });
  assert.deepEqual(report({ a: 58, b: 52, c: 52, d: 52 }), { a: "origin", b: "a:1", c: "b:1", d: "c:1" });
  const { report: slow } = racing();
  slow({ a: 1, b: 1, c: 1, d: 1 });
  assert.deepEqual(slow({ a: 2, b: 52, c: 52, d: 52 }), { a: "origin", b: "origin", c: "b:1", d: "c:1" });
  assert.deepEqual(slow({ a: 22, b: 102, c: 102, d: 102 }), { a: "b:1", b: "origin", c: "b:1", d: "c:1" });
});

test("a machine that blames everybody is believed twice", () => {
  const { ask } = world();
  for (const name of ["a", "b", "c", "d", "e", "f"]) ask(name);
  const failed = ["a", "b", "c", "d", "f"].map(idOf);
  ask("e", { failed });
  ask("g", { failed: [idOf("a"), idOf("c")] });
  // Two say so of the first, one of the third.
  assert.equal(ask("h", { failed: [idOf("g"), idOf("f"), idOf("e"), idOf("d"), idOf("b")] }), "c:1");
});

test("what a source gives is its limit, shared by those who fetch from it", () => {
  const { monotonicMs, limits } = { monotonicMs: () => 0, limits: { uploadMbps: 80, rackUplinkMbps: 8 } };
  const distribution = openDistribution({ monotonicMs }, limits);
  const ask = (name: string, more: Partial<Caller> = {}) =>
    distribution.ask(
      {
        ...{ id: idOf(name), image: "compute/1", rack: "r1", totalBytes: 10, doneBytes: 0, isWorking: true },
        ...{ endpoint: `${name}:1`, failed: [], ...more },
      },
      { isFull: true },
    );
  ask("a");
  distribution.admitted(idOf("a"), true);
  assert.deepEqual(ask("b"), [{ machineId: "a", endpoint: "a:1", bytesPerSecond: 10e6 }]);
  assert.equal(distribution.uploadLimit(idOf("a")), 10e6);
  ask("x", { rack: "r2", isWorking: false });
  assert.equal(distribution.uploadLimit(idOf("b")), 1e6);
  assert.equal(distribution.uploadLimit(idOf("x")), 0);
});

/** A rack with four machines that run the image and serve it. */
function seeded() {
  const all = world();
  const seedOf = (name: string, more: { readonly endpoint?: string; readonly rack?: string } = {}) =>
    all.seed({ id: idOf(name), image: "compute/1", rack: "r1", endpoint: `${name}:1`, ...more });
  for (const name of ["s1", "s2", "s3", "s4"]) assert.ok(seedOf(name));
  return { ...all, seedOf };
}
const seedsFirst = "s4:1 s3:1 s2:1 s1:1";

test("a few machines of a rack that run the image serve it, others take the places of those that fall silent", () => {
  const { seedOf, pass } = seeded();
  assert.equal(seedOf("s5"), false);
  assert.ok(seedOf("s1"));
  assert.ok(seedOf("t1", { rack: "r2" }));
  pass(40);
  for (const name of ["s1", "s2", "s3"]) seedOf(name);
  pass(30);
  assert.ok(seedOf("s5"));
  assert.equal(seedOf("s4"), false);
});

test("a machine that comes alone fetches from one of them, and from another one if that does nothing for it", () => {
  const { ask, uploadLimit } = seeded();
  assert.equal(ask("a"), seedsFirst);
  assert.equal(ask("a", { doneBytes: 50 }), seedsFirst);
  for (const name of ["s1", "s4"]) assert.equal(uploadLimit(idOf(name)), 6_250_000);
  assert.equal(ask("a", { doneBytes: 60, failed: [idOf("s4")] }), "s3:1 s2:1 s1:1");
});

test("where several are born, one fetches from the server for all, instead of from the little that seeds give", () => {
  const { ask } = seeded();
  assert.equal(ask("a"), seedsFirst);
  assert.equal(ask("b"), "a:1");
  assert.equal(ask("a", { doneBytes: 10 }), "origin");
  assert.equal(ask("b", { doneBytes: 5 }), "a:1");
});

test("a server that has a queue leaves them to the seeds", () => {
  const { ask } = seeded();
  assert.equal(ask("a", {}, true), seedsFirst);
  assert.match(ask("b", {}, true), /^a:1 /);
  assert.equal(ask("a", { doneBytes: 10 }, true), seedsFirst);
});

test("an update of machines with workloads comes from seeds, however many there are", () => {
  const { ask } = seeded();
  assert.equal(ask("a", { isWorking: true }), seedsFirst);
  assert.match(ask("b", { isWorking: true }), /^a:1|^s/);
  assert.equal(ask("a", { isWorking: true, doneBytes: 10 }), seedsFirst);
});

test("one that disappoints two machines is no seed, and one that has no port yet is none for now", () => {
  const { ask, seedOf, seedsNoMore } = seeded();
  ask("a", { rack: "r9", failed: [idOf("s4")] });
  ask("b", { rack: "r9", failed: [idOf("s4")] });
  assert.equal(seedOf("s4"), false);
  assert.ok(seedOf("s5"));
  seedsNoMore(idOf("s3"));
  assert.ok(seedOf("s6", {}));
  const without = world();
  assert.ok(without.seed({ id: idOf("s1"), image: "compute/1", rack: "r1" }));
  assert.equal(without.ask("a"), "origin");
});

test("seeds do not make the others report less often", () => {
  const { seedOf, reportSeconds } = seeded();
  for (let rack = 0; rack < 1000; rack += 1) seedOf(`x${rack}`, { rack: `rack${rack}` });
  assert.equal(reportSeconds(), 3);
});

/** How many of the sources are to be fetched from at the same time. */
function atOnce(linkMbps: number | undefined, upload: UploadRules = {}, others: readonly Partial<Caller>[] = []) {
  const distribution = openDistribution({ monotonicMs: () => 0 }, upload);
  for (const name of ["s1", "s2", "s3", "s4"])
    distribution.seed({ id: idOf(name), image: "compute/1", rack: "r1", endpoint: `${name}:1` });
  const caller = {
    ...{ image: "compute/1", rack: "r1", totalBytes: 100, doneBytes: 0, isWorking: false, failed: [] },
    ...(linkMbps === undefined ? {} : { linkMbps }),
  };
  const ask = (id: string, more: Partial<Caller> = {}) =>
    distribution.ask({ ...caller, id: idOf(id), endpoint: `${id}:1`, ...more }, { isFull: false });
  const first = ask("a");
  for (const [index, other] of others.entries()) ask(`b${index}`, other);
  const sources = others.length === 0 ? first : ask("a");
  return sources === "origin" ? sources : sources.filter((source) => source.atOnce === true).length;
}

test("a machine that fetches alone in its rack fetches from several seeds at once, up to the rate of its link", () => {
  assert.equal(atOnce(undefined), 4);
  assert.equal(atOnce(100), 2);
  // One is enough.
  assert.equal(atOnce(50), 0);
  assert.equal(atOnce(1000, { uploadMbps: 400 }), 3);
  assert.equal(atOnce(1000, { uploadMbps: 1000 }), 0);
});

test("where others of the rack fetch, too, each has one source at a time", () => {
  assert.equal(atOnce(1000, {}, [{}]), "origin");
  assert.equal(atOnce(1000, {}, [{ isWorking: true }]), "origin");
  assert.equal(atOnce(1000, {}, [{ rack: "r2" }]), 4);
  const distribution = openDistribution({ monotonicMs: () => 0 });
  const newborn = { image: "compute/1", rack: "r1", totalBytes: 100, doneBytes: 0, isWorking: false, failed: [] };
  distribution.ask({ ...newborn, id: idOf("a"), endpoint: "a:1" }, { isFull: false });
  distribution.admitted(idOf("a"), true);
  const sources = distribution.ask({ ...newborn, id: idOf("b"), endpoint: "b:1" }, { isFull: false });
  assert.deepEqual(sources, [{ machineId: "a", endpoint: "a:1" }]);
});
