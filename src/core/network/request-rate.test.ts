import assert from "node:assert/strict";
import { test } from "node:test";
import { admitRequest, type RequestRates } from "./request-rate.ts";

test("a minute's requests may come at once; then one at a time, and the log says so once a minute", () => {
  const rates: RequestRates = new Map();
  const ask = (nowMs: number, address = "10.0.0.1") => admitRequest(rates, address, { perMinute: 60, nowMs });
  for (let n = 0; n < 60; n += 1) assert.equal(ask(0).kind, "admitted");
  assert.deepEqual(ask(0), { kind: "refused", retryAfterSeconds: 1, say: true });
  assert.deepEqual(ask(10), { kind: "refused", retryAfterSeconds: 1, say: false });
  assert.equal(ask(0, "10.0.0.2").kind, "admitted", "another address has its own");
  assert.equal(ask(1010).kind, "admitted");
  assert.equal(ask(1020).kind, "refused");
  const late = ask(61_020);
  assert.equal(late.kind, "admitted", "a quiet minute fills it up");
});

test("a request may count as several", () => {
  const rates: RequestRates = new Map();
  const ask = (cost: number, nowMs: number) => admitRequest(rates, "m", { perMinute: 60, nowMs, cost });
  assert.equal(ask(50, 0).kind, "admitted");
  assert.deepEqual(ask(20, 0), { kind: "refused", retryAfterSeconds: 10, say: true });
  assert.equal(ask(10, 0).kind, "admitted", "a refused one costs nothing");
  assert.equal(ask(20, 20_000).kind, "admitted");
});

test("a flood from invented addresses does not grow without bound", () => {
  const rates: RequestRates = new Map();
  for (let n = 0; n < 70_000; n += 1) admitRequest(rates, String(n), { perMinute: 60, nowMs: n });
  assert.ok(rates.size <= 65_536);
});
