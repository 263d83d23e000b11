import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { testMachine } from "../machine/testing/test-machine.ts";
import { fieldValues, machineFields, parseFieldSelector } from "./machine-fields.ts";
import { parseSelector, selects } from "./selector.ts";

const things: { readonly [key: string]: readonly string[] } = { rack: ["7"], role: ["web", "db"], "a/b.c": ["x=y"] };
const valuesOf = (key: string) => things[key] ?? [];

describe("selectors", () => {
  const rows: readonly [string, boolean][] = [
    ["rack=7", true],
    ["rack==7", true],
    ["rack = 7", true],
    ["rack=8", false],
    ["rack!=8", true],
    ["rack!=7", false],
    ["unit!=7", true],
    ["rack in (6, 7)", true],
    ["rack in (8)", false],
    ["rack notin (6,8)", true],
    ["unit notin (6,8)", true],
    ["role=web", true],
    ["role=web,role=db", true],
    ["role!=web", false],
    ["rack", true],
    ["unit", false],
    ["!unit", true],
    ["!rack", false],
    ["rack=7,role in (db,mail),!unit", true],
    ["rack=7,unit", false],
    ["a/b.c=x=y", true],
  ];
  for (const [text, expected] of rows) {
    test(text, () => {
      const result = parseSelector(text);
      assert.equal(result.kind, "selector", JSON.stringify(result));
      if (result.kind === "selector") assert.equal(selects(result.requirements, valuesOf), expected);
    });
  }

  test("invalid input is refused, with what was expected", () => {
    const wrong = [
      "",
      " ",
      ",",
      "rack=7,",
      "=7",
      "rack=",
      "rack in 7",
      "rack in ()",
      "rack in (7",
      "rack)",
      "ra ck",
      "!!rack",
    ];
    for (const text of [...wrong, "rack===7", "x".repeat(64), "a,".repeat(60)]) {
      const result = parseSelector(text);
      assert.equal(result.kind, "fault", text);
    }
    const result = parseSelector("rack=7,,unit");
    assert.match(result.kind === "fault" ? result.message : "", /expected key=value.*, found nothing/);
  });

  test("any text is read or refused, and a machine's own values always select it", () => {
    fc.assert(fc.property(fc.string(), (text) => ["selector", "fault"].includes(parseSelector(text).kind)));
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,9}$/);
    fc.assert(
      fc.property(fc.dictionary(word, fc.array(word, { minLength: 1 }), { minKeys: 1 }), (labels) => {
        const text = Object.entries(labels).map(([key, values]) => `${key} in (${values.join(",")}),${key}`);
        const result = parseSelector(text.join(","));
        const of = (key: string) => (Object.hasOwn(labels, key) ? (labels[key] ?? []) : []);
        return result.kind === "selector" && selects(result.requirements, of);
      }),
    );
  });
});

test("fields: unknown names and values that none has are refused; each field gives texts", () => {
  const machine = testMachine("healthy", { conditions: [{ kind: "hold", reason: "", sinceMs: 0 }] });
  assert.deepEqual(fieldValues(machine, "rack"), ["1"]);
  assert.deepEqual(fieldValues(machine, "condition"), ["hold"]);
  assert.deepEqual(fieldValues(machine, "phase"), []);
  assert.deepEqual(fieldValues(machine, "status"), ["held"]);
  assert.deepEqual(fieldValues(machine, "constructor"), []);
  for (const name of Object.keys(machineFields))
    for (const value of fieldValues(machine, name)) assert.equal(typeof value, "string");
  assert.equal(parseFieldSelector("state=healthy,rack in (1,2),!group2").kind, "fault");
  assert.equal(parseFieldSelector("state=healthy,rack in (1,2),!phase").kind, "selector");
  const fault = parseFieldSelector("state=helthy");
  assert.match(
    fault.kind === "fault" ? fault.message : "",
    /state: expected one of unknown, birth, healthy.*, found helthy/,
  );
});
