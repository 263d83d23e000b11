import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineId } from "../machine/record.ts";
import { type Caller, openDistribution } from "./distribution.ts";

const idOf = (name: string) => name as MachineId;

function world() {
  let nowMs = 0;
  const distribution = openDistribution({ monotonicMs: () => nowMs });
  function ask(name: string, more: Partial<Caller> = {}, isFull = false): string {
    const caller = {
      ...{ id: idOf(name), image: "compute/1", rack: "r1", totalBytes: 100, doneBytes: 0, isWorking: false },
      ...{ endpoint: `${name}:1`, failed: [] },
      ...more,
    };
    const answer = distribution.ask(caller, { isFull });
    if (answer === "origin") distribution.admitted(idOf(name), !isFull);
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
