import assert from "node:assert/strict";
import { test } from "node:test";
import { testMachine } from "../machine/testing/test-machine.ts";
import { canServe } from "./can-serve.ts";

const newborn = (phase: "handedOver" | "fetching" | "updating" | "rebooting" | "offered") =>
  testMachine("healthy", { phase });
const working = (phase: "up" | "fetching" | "updating" | "rebooting" | "offered") =>
  testMachine("healthy", { phase, runningImage: "compute/1" });

const cases: readonly (readonly [what: string, machine: Parameters<typeof canServe>[0], serves: boolean])[] = [
  ["a newborn whose agent has begun", newborn("handedOver"), true],
  ["a newborn that fetches", newborn("fetching"), true],
  ["a newborn that places its image", newborn("updating"), true],
  ["a newborn that was told to restart", newborn("rebooting"), false],
  ["a newborn that lost power and asks for the Bootstrap Image", newborn("offered"), false],
  ["a machine with a workload", working("up"), true],
  ["one that fetches its next image", working("fetching"), true],
  ["one whose files change", working("updating"), false],
  ["one that restarts", working("rebooting"), false],
  ["one that boots to recover its disk key", working("offered"), false],
  ["a record of an older version, without a phase", testMachine("healthy"), true],
  ["a machine that is born", testMachine("birth", { phase: "populated" }), false],
  ["one to be born again", testMachine("rebirth", { phase: "up" }), false],
  ["one to be erased", testMachine("clean", { phase: "up" }), false],
  ["a retired machine", testMachine("unknown"), false],
];
for (const [what, machine, serves] of cases)
  test(`${what} ${serves ? "serves" : "does not serve"} others`, () => assert.equal(canServe(machine), serves));
