import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Client } from "../client.ts";
import { type Attempt, askLocal } from "./attempt.ts";
import { noLocalHistory, tookElsewhere } from "./choose.ts";
import { type Lesson, learnFrom, rankMethods } from "./lesson.ts";
import { type LocalMethod, localMethods } from "./method-table.ts";
import { methodsOf, usableMethods } from "./methods.ts";

const model = { vendor: "Dull", product: "R1", firmware: "uefi" } as const;
const order = ["offerThenNak", "localBootMenu", "bootFileRefused"] as const;

const x64 = { name: "x64", firmware: "uefi", via: "tftp", loader: "snponly.efi" } as const;
const uefi: Client = { kind: "pxe", firmware: "uefi", architecture: x64 };

type Ask = readonly [
  atSeconds: number,
  /** `elsewhere`: the REQUEST names another server, which is no question to this one. */
  message: "discover" | "request" | "elsewhere",
  session: number,
  expected: LocalMethod,
];
const stories: readonly (readonly [title: string, asks: readonly Ask[]])[] = [
  [
    "a healthy boot",
    [
      [0, "discover", 1, "offerThenNak"],
      [4, "request", 1, "offerThenNak"],
    ],
  ],
  [
    "a lost OFFER: DISCOVER again",
    [
      [0, "discover", 1, "offerThenNak"],
      [4, "discover", 1, "offerThenNak"],
      [12, "discover", 1, "offerThenNak"],
    ],
  ],
  [
    "a lost NAK: REQUEST again",
    [
      [0, "discover", 1, "offerThenNak"],
      [4, "request", 1, "offerThenNak"],
      [8, "request", 1, "offerThenNak"],
    ],
  ],
  [
    "a NAK is answered by asking anew, as BIOS ROMs do",
    [
      [0, "discover", 1, "offerThenNak"],
      [4, "request", 1, "offerThenNak"],
      [5, "discover", 1, "localBootMenu"],
    ],
  ],
  [
    "back within a minute",
    [
      [0, "discover", 1, "offerThenNak"],
      [4, "request", 1, "offerThenNak"],
      [50, "discover", 2, "localBootMenu"],
    ],
  ],
  [
    "back after a minute: it was somewhere else",
    [
      [0, "discover", 1, "offerThenNak"],
      [70, "discover", 2, "offerThenNak"],
    ],
  ],
  [
    "back twice",
    [
      [0, "discover", 1, "offerThenNak"],
      [30, "discover", 2, "localBootMenu"],
      [60, "discover", 3, "bootFileRefused"],
    ],
  ],
  [
    "another server's offer was taken: what that server did is not known",
    [
      [0, "discover", 1, "offerThenNak"],
      [0, "elsewhere", 1, "offerThenNak"],
      [30, "discover", 2, "offerThenNak"],
      [31, "request", 2, "offerThenNak"],
      [50, "discover", 3, "localBootMenu"],
      [50, "elsewhere", 3, "localBootMenu"],
      [70, "discover", 4, "localBootMenu"],
    ],
  ],
  [
    "what failed is not tried again for ten minutes",
    [
      [0, "discover", 1, "offerThenNak"],
      [30, "discover", 2, "localBootMenu"],
      [300, "discover", 3, "localBootMenu"],
    ],
  ],
  [
    "after ten minutes all is forgotten",
    [
      [0, "discover", 1, "offerThenNak"],
      [30, "discover", 2, "localBootMenu"],
      [700, "discover", 3, "offerThenNak"],
    ],
  ],
  [
    "all have failed: the disk does not boot, from the start",
    [
      [0, "discover", 1, "offerThenNak"],
      [30, "discover", 2, "localBootMenu"],
      [60, "discover", 3, "bootFileRefused"],
      [90, "discover", 4, "offerThenNak"],
    ],
  ],
];
for (const [title, asks] of stories)
  test(`local boot: ${title}`, () => {
    let attempt: Attempt | undefined;
    for (const [atSeconds, message, session, expected] of asks) {
      const discover = message === "discover";
      attempt =
        message === "elsewhere"
          ? tookElsewhere(uefi, { ...noLocalHistory, attemptOf: () => attempt })?.attempt
          : askLocal(attempt, { methods: order, session, discover }, atSeconds * 1000);
      assert.equal(attempt?.method, expected, `at ${atSeconds} s`);
    }
  });

test("a machine that comes up teaches: its method first for its model, those that failed it last", () => {
  const attempt: Attempt = {
    method: "localBootMenu",
    failed: ["offerThenNak"],
    session: 1,
    outcome: "answered",
    atMs: 0,
  };
  const lesson = learnFrom(undefined, { model, client: "uefiPxe", attempt }, 5);
  assert.deepEqual(lesson, {
    ...model,
    client: "uefiPxe",
    scores: { localBootMenu: 1, offerThenNak: -1 },
    learnedAtMs: 5,
  });
  assert.deepEqual(rankMethods(order, lesson), ["localBootMenu", "bootFileRefused", "offerThenNak"]);
  assert.deepEqual(rankMethods(order, undefined), order);
});

test("one power-cycled machine does not undo a lesson of many; without news there is no new lesson", () => {
  const went = (method: LocalMethod, failed: LocalMethod[] = []): Attempt => ({
    method,
    failed,
    session: 1,
    outcome: "answered",
    atMs: 0,
  });
  let lesson: Lesson | undefined;
  for (let n = 0; n < 9; n += 1)
    lesson = learnFrom(lesson, { model, client: "uefiPxe", attempt: went("offerThenNak") }, n);
  assert.deepEqual([lesson?.scores, lesson?.learnedAtMs], [{ offerThenNak: 5 }, 4]);
  lesson = learnFrom(lesson, { model, client: "uefiPxe", attempt: went("localBootMenu", ["offerThenNak"]) }, 20);
  assert.equal(rankMethods(order, lesson)[0], "offerThenNak");
});

const rows: readonly (readonly [title: string, Client, boolean, readonly LocalMethod[]])[] = [
  ["UEFI PXE", uefi, false, ["offerThenNak", "localBootMenu", "bootFileRefused", "ownLoader"]],
  ["UEFI PXE, proxy: the NAK is not ours to give", uefi, true, ["localBootMenu", "bootFileRefused", "ownLoader"]],
  [
    "no loader for it",
    { ...uefi, architecture: undefined },
    false,
    ["offerThenNak", "localBootMenu", "bootFileRefused"],
  ],
  ["HTTP boot", { kind: "httpBoot", firmware: "uefi", architecture: x64 }, true, ["bootFileRefused", "ownLoader"]],
  ["BIOS iPXE", { kind: "ipxe", firmware: "bios" }, false, ["scriptSanboot", "scriptExit"]],
  ["an operating system", { kind: "plain" }, false, []],
];
for (const [title, client, proxy, expected] of rows)
  test(`local methods of ${title}`, () => assert.deepEqual(usableMethods(client, { proxy }), expected));

test("whatever a client does, it is answered with a method of its table, and all are tried in turn", () => {
  for (const methods of Object.values(methodsOf)) for (const method of methods) assert.ok(method in localMethods);
  const asks = fc.array(fc.record({ wait: fc.nat(900_000), session: fc.nat(3), discover: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(asks, (list) => {
      let attempt: Attempt | undefined;
      let nowMs = 0;
      for (const { wait, session, discover } of list) {
        nowMs += wait;
        attempt = askLocal(attempt, { methods: order, session, discover }, nowMs);
        assert.ok(order.some((method) => method === attempt?.method));
        assert.ok(!attempt.failed.includes(attempt.method) && attempt.failed.length < order.length);
      }
    }),
  );
});
