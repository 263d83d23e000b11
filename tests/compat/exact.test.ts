import assert from "node:assert/strict";
import { test } from "node:test";
import { directiveKinds } from "../../src/core/image/update/directive.ts";
import { messages, type Recorded, whyNotExact } from "./messages.ts";
import { recordLife } from "./record-life.ts";

const recorded = recordLife();

test("what machines and servers send is exactly what the contract names", () => {
  assert.deepEqual(recorded.flatMap(whyNotExact), []);
});

test("a key that the contract does not name is found, at whatever depth", () => {
  const settings = recorded.find(({ message }) => message === "subSettings") ?? assert.fail("no settings");
  const value = {
    ...Object(settings.value),
    boot: { partUuid: "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee02", label: "boot" },
  };
  assert.deepEqual(whyNotExact({ message: "subSettings", value }), ["subSettings.boot.label"]);
});

/** No life on the fake host has a second authority. */
const neverSent = ["trust"];

test("a whole life has every message and every directive", () => {
  const found = new Set(recorded.map(({ message }) => message));
  assert.deepEqual(
    Object.keys(messages).filter((message) => message !== "problem" && ![...found].some((name) => name === message)),
    [],
  );
  const directives = new Set(recorded.flatMap((one) => (one.message === "directive" ? [kindOf(one)] : [])));
  assert.deepEqual([...directives, ...neverSent].sort(), [...directiveKinds].sort());
});

function kindOf({ value }: Recorded): unknown {
  return Object(value).kind;
}
