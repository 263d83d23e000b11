import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { mayTry, rolloutLimits } from "../../src/core/agent/rollout.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Clock } from "../../src/core/ports.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { tokensIn } from "../../src/mdb/operator-api/caller/tokens.ts";
import { asks, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { openPki } from "../../src/mdb/tls/pki.ts";
import { openCalls } from "../../src/mdb/watch/webhooks.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-clock-"));
after(() => rmSync(parent, { recursive: true }));
const dayMs = 86_400_000;
const rightMs = Date.parse("2026-11-29T12:00:00Z");
const log = () => {};
const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
const id = machineIdFromMac(testMac(1));

/** A wall clock that a person sets, and a monotonic one that only passes. */
function settableClock() {
  let [wrongMs, passedMs] = [0, 0];
  const clock: Clock = { nowMs: () => rightMs + passedMs + wrongMs, monotonicMs: () => passedMs };
  return {
    clock,
    /** Wrong by this much from now on. */
    set: (ms: number) => {
      wrongMs = ms;
    },
    pass: (ms: number) => {
      passedMs += ms;
    },
  };
}

const jumps: readonly (readonly [title: string, wrongMs: number])[] = [
  ["ten years ahead", 3650 * dayMs],
  ["half a year ahead", 180 * dayMs],
  ["half a year behind", -180 * dayMs],
  ["in 1970", -rightMs],
];

for (const [title, wrongMs] of jumps)
  describe(`a clock that was ${title}, and is right again`, () => {
    test("no token of an operator outlives its time", async () => {
      const { clock, set, pass } = settableClock();
      await using store = await openStore({ path: ":memory:", clock, log });
      const tokens = tokensIn({ store, clock, random, log });
      set(wrongMs);
      const made = await tokens.create({ name: "day", role: "admin", expiresSeconds: 86_400, by: "test" });
      const lasting = await tokens.create({ name: "lasting", role: "admin", by: "test" });
      assert.ok(made.kind === "created" && lasting.kind === "created");
      assert.equal(tokens.prove(`Bearer ${made.token}`).kind, "known");
      set(0);
      pass(dayMs + 1);
      assert.equal(tokens.prove(`Bearer ${made.token}`).kind, "expired");
      assert.equal(tokens.prove(`Bearer ${lasting.token}`).kind, "known");
    });

    test("no boot token outlives its time, and the next one works", async () => {
      const { clock, set, pass } = settableClock();
      await using store = await openStore({ path: ":memory:", clock, log });
      const issue = orderIssuer({ store, clock, random, orderSeconds: 900 });
      const take = async (issued: Awaited<ReturnType<typeof issue>>) => {
        const tokenHash = hashSecret(issued.kind === "issued" ? issued.token : assert.fail());
        const session = { bootId: "boot", sessionHash: "s" };
        const taken = await store.apply({ kind: "orderTaken", id, mac: testMac(1), tokenHash, ...session });
        return taken.kind === "refused" ? taken.refusal.kind : taken.kind;
      };
      set(wrongMs);
      await store.apply(asks(1));
      const issued = await issue(id);
      set(0);
      pass(901_000);
      assert.equal(await take(issued), "expiredToken");
      assert.equal(await take(await issue(id)), "changed");
    });

    test("a notification made then is delivered when its receiver is back, and not kept for ever", async () => {
      const { clock, set, pass } = settableClock();
      await using store = await openStore({ path: ":memory:", clock, log });
      let [calls, status] = [0, 500];
      const receiver = createServer((request, response) => {
        calls += 1;
        request.resume().on("end", () => response.writeHead(status).end());
      }).listen(0, "127.0.0.1");
      await once(receiver, "listening");
      await using _closed = { [Symbol.asyncDispose]: async () => void receiver.close().closeAllConnections() };
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
      const webhooks = [{ url, key: new Uint8Array(32) }];
      await using sent = openCalls({ store, webhooks, clock, random, log, retryMs: () => 5 });
      const notice = (of: string, atMs: number) =>
        ({ id: of, kind: "healthy", atMs, machine: { id, state: "healthy", generation: 1 } }) as const;
      const pending = () => store.documents("webhook").length;

      await sent.send(notice("before", clock.nowMs()));
      set(wrongMs);
      await sent.send(notice("wrong", clock.nowMs()));
      await until("three attempts", () => calls >= 3);
      assert.equal(pending(), 2, "the jump dropped nothing");
      set(0);
      pass(2 * 3_600_000);
      status = 204;
      await until("both delivered", () => pending() === 0);
      status = 500;
      set(wrongMs);
      await sent.send(notice("refused", clock.nowMs()));
      const before = calls;
      await until("an attempt", () => calls > before + 1);
      set(0);
      pass(4 * dayMs);
      await until("it is given up", () => pending() === 0);
    });

    test("certificates made then are valid now, and no longer than others", async () => {
      const { clock, set } = settableClock();
      const directory = join(parent, title);
      const servers = [undefined, { file: "operators", names: ["localhost"] }];
      const open = async () =>
        await Promise.all(
          servers.map(async (server) => await openPki({ directory, clock, log, ...(server && { server }) })),
        );
      set(wrongMs);
      await openPki({ directory, clock, log });
      await open();
      set(0);
      for (const { caPem, certificatePem } of await open()) {
        const lastsDays = (pem: string) => (Date.parse(new X509Certificate(pem).validTo) - rightMs) / dayMs;
        assert.ok(lastsDays(caPem) > 10 * 365, `the authority lasts ${lastsDays(caPem)} days`);
        const days = lastsDays(certificatePem);
        assert.ok(days > 89 && days <= 731, `the server's certificate lasts ${days} days`);
        assert.ok(Date.parse(new X509Certificate(certificatePem).validFrom) < rightMs);
      }
    });

    test("a trial of an agent noted then does not hold up the upgrade of the others", () => {
      const trials = [{ machine: machineIdFromMac(testMac(2)), sinceMs: rightMs + wrongMs }];
      const laterMs = rightMs + rolloutLimits.silentMs;
      assert.equal(mayTry({ confirmed: 0, rejected: 0, trials }, id, laterMs), true);
    });
  });
