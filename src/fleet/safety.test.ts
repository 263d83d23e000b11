import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MachineEvent } from "../core/machine/event.ts";
import { machineIdFromMac } from "../core/machine/life/move.ts";
import type { Machine } from "../core/machine/record.ts";
import { mac } from "../core/machine/testing/test-fleet.ts";
import { testMachine } from "../core/machine/testing/test-machine.ts";
import { openSafety } from "./safety.ts";

const record = (state: "birth" | "healthy", n: number, more: object = {}): Machine =>
  testMachine(state, {
    id: machineIdFromMac(mac(n)),
    macs: [mac(n)],
    hostname: `m${n}`,
    revision: 1,
    generation: 1,
    ...more,
  });

type Step = readonly [machine: Machine, event: MachineEvent["kind"]];

const cases: readonly (readonly [title: string, steps: readonly Step[], found: RegExp | undefined])[] = [
  [
    "nothing is wrong with a birth",
    [
      [record("birth", 1), "pxeAsked"],
      [record("healthy", 1, { revision: 2 }), "becameHealthy"],
    ],
    undefined,
  ],
  [
    "a change that counts twice",
    [
      [record("birth", 1), "pxeAsked"],
      [record("birth", 1, { revision: 3 }), "phaseSeen"],
    ],
    /revision 1 became 3/,
  ],
  [
    "a generation that goes back",
    [
      [record("birth", 1, { generation: 2 }), "pxeAsked"],
      [record("birth", 1, { revision: 2 }), "phaseSeen"],
    ],
    /generation 2 became 1/,
  ],
  [
    "another NIC",
    [
      [record("birth", 1), "pxeAsked"],
      [record("birth", 1, { revision: 2, macs: [mac(9)] }), "pxeAsked"],
    ],
    /known by another NIC/,
  ],
  [
    "a packet that ends *healthy*",
    [
      [record("healthy", 1), "pxeAsked"],
      [record("birth", 1, { revision: 2 }), "pxeAsked"],
    ],
    /healthy became birth/,
  ],
  [
    "a generation that is installed twice",
    [
      [record("healthy", 1), "becameHealthy"],
      [record("birth", 1, { revision: 2 }), "retired"],
      [record("healthy", 1, { revision: 3 }), "becameHealthy"],
    ],
    /installed twice/,
  ],
  [
    "two machines of one name",
    [
      [record("birth", 1), "placed"],
      [record("birth", 2, { hostname: "m1" }), "placed"],
    ],
    /name m1 is held by/,
  ],
  [
    "a name that was given up",
    [
      [record("birth", 1), "placed"],
      [record("birth", 1, { revision: 2, hostname: "m9" }), "placed"],
      [record("birth", 2, { hostname: "m1" }), "placed"],
    ],
    undefined,
  ],
];
describe("what no sequence of events may do is found", () => {
  for (const [title, steps, found] of cases)
    test(title, () => {
      const broken: string[] = [];
      const { changed } = openSafety((what) => broken.push(what));
      // Of an event, only its kind is looked at.
      for (const [machine, kind] of steps) changed({ machine, event: { kind } as MachineEvent, atMs: 1, position: 1 });
      if (found === undefined) assert.deepEqual(broken, []);
      else assert.match(broken.join("; "), found);
    });
});
