import assert from "node:assert/strict";
import { test } from "node:test";
import { ip, prefix } from "../net/testing/addresses.ts";
import { limitFaults } from "./kernel-limits.ts";
import type { Network } from "./network.ts";
import { testNetworkOfOnePart } from "./testing/test-network.ts";

const network = (text: string, by: Partial<Network>): Network => testNetworkOfOnePart({ prefix: prefix(text), ...by });

const local = network("10.77.0.0/24", { interface: "eth1" });
const wide = network("10.77.0.0/16", { interface: "eth1" });
const relayed = network("10.77.0.0/16", { relay: { gateway: ip("10.77.0.2"), agents: [] } });
const mebibytes = 8_388_608;

const rows: readonly (readonly [string, readonly Network[], Parameters<typeof limitFaults>[0], boolean, RegExp[]])[] = [
  ["all is well", [local], { receiveBufferMaxBytes: mebibytes, neighbourMax: 1024 }, false, []],
  ["nothing could be read", [wide], {}, false, []],
  ["small buffers", [local], { receiveBufferMaxBytes: 212_992 }, false, [/rmem_max=8388608$/]],
  ["small buffers, but granted all the same", [local], { receiveBufferMaxBytes: 212_992 }, true, []],
  ["a rack and a half", [local, local, local, local, local], { neighbourMax: 1024 }, true, [/gc_thresh3=2540 /]],
  ["a very wide wire", [wide], { neighbourMax: 1024 }, true, [/gc_thresh3=32768 /]],
  ["machines behind relays", [relayed], { neighbourMax: 1024 }, true, []],
];
for (const [title, networks, limits, bufferGranted, expected] of rows)
  test(`kernel limits: ${title}`, () => {
    const faults = limitFaults(limits, { networks, receiveBufferBytes: mebibytes, bufferGranted });
    assert.equal(faults.length, expected.length);
    faults.forEach(({ next }, index) => {
      assert.match(next, expected[index] ?? /^$/);
    });
  });
