import assert from "node:assert/strict";
import { test } from "node:test";
import { macOf } from "../../net/testing/addresses.ts";
import { type ArpClaims, believeClaim } from "./arp-doubt.ts";

const host = (n: number) => macOf(`0200000000${n.toString(16).padStart(2, "0")}`);
const believed = (claims: ArpClaims, hosts: readonly number[], poolSize = 200, nowMs = 0) =>
  hosts.filter((n) => believeClaim(claims, host(n), { poolSize, nowMs })).length;

test("a host is believed at four addresses within an hour, then again", () => {
  const claims: ArpClaims = new Map();
  assert.equal(believed(claims, Array(100).fill(1)), 4);
  assert.equal(believed(claims, [2, 2]), 2, "another host is believed");
  assert.equal(believed(claims, Array(100).fill(1), 200, 3_600_000), 4);
});

test("hosts that change their MAC address take a quarter of a pool, or eight addresses", () => {
  const invented = Array.from({ length: 200 }, (_, n) => n);
  assert.equal(believed(new Map(), invented), 50);
  assert.equal(believed(new Map(), invented, 10), 8);
});
