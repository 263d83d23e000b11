import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEndpoint } from "../net/endpoint.ts";
import { ip } from "../net/testing/addresses.ts";
import { otherMdbsOf, type SiteServer, siteServer } from "./site-server.ts";
import { testNetwork } from "./testing/test-network.ts";

const hourMs = 3_600_000;
const server = (nth: number, aliveAtMs = 0, name = "rack"): SiteServer => {
  const permanent = { ...testNetwork().permanent, serverAddress: ip(`10.77.1.${nth}`) } as never;
  return siteServer([testNetwork({ name, serverAddress: ip(`10.77.0.${nth}`), permanent })], 443, aliveAtMs);
};
const others = (servers: readonly SiteServer[], nowMs = 0) => {
  const { temporary, permanent } = otherMdbsOf(servers, { own: server(1), network: "rack", nowMs });
  return [temporary.map(formatEndpoint), permanent.map(formatEndpoint)];
};

test("the servers of the machine's network are named, each part of it by itself, without the own one", () => {
  assert.deepEqual(others([server(1), server(2), server(3, 0, "elsewhere"), server(4)]), [
    ["10.77.0.2:443", "10.77.0.4:443"],
    ["10.77.1.2:443", "10.77.1.4:443"],
  ]);
});

test("a server that was silent for a day is named no more; one whose clock is a little ahead is", () => {
  const namedAt = (nowMs: number) => others([server(2, 10 * hourMs)], nowMs)[0]?.length;
  assert.deepEqual([namedAt(33 * hourMs), namedAt(34 * hourMs), namedAt(10 * hourMs - 60_000)], [1, 0, 1]);
});

test("a machine is told of at most eight, and an address that cannot be read is left out", () => {
  assert.equal(others(Array.from({ length: 20 }, (_, n) => server(n + 2)))[0]?.length, 8);
  assert.deepEqual(others([{ networks: [{ network: "rack", temporary: "nowhere", permanent: "" }], aliveAtMs: 0 }]), [
    [],
    [],
  ]);
});
