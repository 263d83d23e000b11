import assert from "node:assert/strict";
import { test } from "node:test";
import type { TroubleRule } from "./host/system/trouble.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/** The requests of a birth to the MDB, in order, over one connection, with the step of each. */
const requests = [
  "ask for the order",
  "report to the MDB", // initUp
  "report to the MDB", // hardware
  "progress",
  "progress",
  "report to the MDB", // burnIn
  "report to the MDB", // neighbours
  "report the place",
  "progress",
  "report to the MDB", // the burn-in that writes
  "report to the MDB", // what was erased
  "report to the MDB", // keysMade
  "report to the MDB", // partitioned
  "report to the MDB", // populated
  "ask to be healthy",
  "hand over",
] as const;
/** After it, the MDB knows nothing new of this machine: only its disk shows the rest. */
const lastThatMatters = requests.indexOf("ask to be healthy") + 1;

const lost = (call: string, request: number): readonly TroubleRule[] => [
  { call, from: request, times: 1, trouble: { kind: "fails", errno: "ECONNRESET" } },
];
const gone = (request: number): readonly TroubleRule[] => [
  { call: "tlsWrite", from: request, trouble: { kind: "fails", errno: "EPIPE" } },
  // The first connection exists; no other succeeds.
  { call: "tcpConnect", about: /:443$/, from: 2, trouble: { kind: "fails", errno: "ECONNREFUSED" } },
];

test("a birth has these requests and no other", (t) => {
  const site = openSite();
  t.after(site.close);
  const { end, kernel } = rackMachine(site).bootInit({ troubles: lost("tlsWrite", requests.length + 1) });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.equal(kernel.cpu.struck(), 0, "there is a request more");
});

for (const [index, step] of requests.entries()) {
  const request = index + 1;
  for (const [title, call] of [
    ["is lost on its way to the MDB", "tlsWrite"],
    ["is answered, and the answer is lost", "tlsRead"],
  ] as const)
    test(`request ${request} (${step}) ${title}: the birth retries and continues`, (t) => {
      const site = openSite();
      t.after(site.close);
      const { end, kernel } = rackMachine(site).bootInit({ troubles: lost(call, request) });
      assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
      assert.equal(site.machine(mac).state, "healthy");
      assert.deepEqual(site.machine(mac).conditions, []);
    });

  if (request <= lastThatMatters)
    test(`the MDB is gone for good at request ${request} (${step}): the birth reports it, and the next one succeeds`, (t) => {
      const site = openSite();
      t.after(site.close);
      const machine = rackMachine(site);
      const failed = machine.bootInit({ troubles: request === 1 ? [...gone(1)] : gone(request) });
      const shown = failed.kernel.screen.join("\n");
      assert.deepEqual(failed.end, { kind: "restarted", how: "restart" }, shown);
      // Progress that nobody receives does not end a birth; the next report does.
      const ended = requests.slice(index).find((later) => later !== "progress");
      assert.ok(shown.includes(`ERROR: ${ended}: `), shown);
      assert.match(shown, /120 s.*(Connection refused|Broken pipe)/);
      assert.equal(machine.bootInit().end.kind, "switchedRoot");
      assert.equal(site.machine(mac).state, "healthy");
    });
}
