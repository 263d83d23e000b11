import assert from "node:assert/strict";
import { test } from "node:test";
import { ip } from "../net/testing/addresses.ts";
import type { Network } from "./network.ts";
import { strandedByNextServer } from "./next-server.ts";
import { testNetworkOfOnePart } from "./testing/test-network.ts";

const network = testNetworkOfOnePart({ mode: "proxy", secureBoot: true });
const ours = new Set([ip("10.77.0.1"), ip("10.77.1.1")]);

const rows: readonly (readonly [title: string, changes: Partial<Network>, siaddr: string, stranded: boolean])[] = [
  ["another next-server", {}, "10.77.0.2", true],
  ["none at all", {}, "0.0.0.0", true],
  ["us", {}, "10.77.0.1", false],
  ["us by our other address", {}, "10.77.1.1", false],
  ["no Secure Boot", { secureBoot: false }, "10.77.0.2", false],
  ["addresses of our own", { mode: "full" }, "10.77.0.2", false],
];
for (const [title, changes, siaddr, stranded] of rows)
  test(`next-server, ${title}: machines are ${stranded ? "" : "not "}stranded`, () => {
    const said = strandedByNextServer({ ...network, ...changes }, ip(siaddr), ours);
    assert.equal(said !== undefined, stranded);
    if (said !== undefined) assert.match(said.next, /next-server to 10\.77\.0\.1 /);
  });
