import assert from "node:assert/strict";
import { test } from "node:test";
import { capturedDiscover } from "../../../tests/support/captures.ts";
import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import type { Machine } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { ip, macOf } from "../../core/net/testing/addresses.ts";
import { testNetwork } from "../../core/network/testing/test-network.ts";
import type { Change, Store } from "../../core/ports.ts";
import { decideDhcp } from "../../core/pxe/decide.ts";
import { leasing } from "../../core/pxe/lease.ts";
import { openLocalBoots } from "./local-boots.ts";

const mac = macOf("52:54:00:00:00:01");
const edk2 = capturedDiscover("ovmf-2022.11-own-pxe");
const ipxe = capturedDiscover("ovmf-2022.11-ipxe-virtio-rom");
const smbios = { vendor: "Dull", product: "R1", serial: "1", uuid: "", assetTag: "" };
const born = (state: "birth" | "healthy"): Machine =>
  testMachine(state, { temporaryAddress: ip("10.77.0.60"), firmware: "uefi", smbios });

/** A server that knows this state of the machine, which may be an older one than another server's. */
function openServer(address: string) {
  let nowMs = 0;
  let known = born("birth");
  let notify: (change: Change) => void = () => assert.fail("not watched");
  const [warned, learned]: [object[], object[]] = [[], []];
  const store = {
    documents: () => [],
    putDocument: async (document: object) => void learned.push(document),
    watch: (listener: typeof notify) => {
      notify = listener;
      return () => {};
    },
  } as unknown as Store;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const localBoots = openLocalBoots({
    ...{ store, clock },
    log: (level, _, facts = {}) => void (level === "warn" && warned.push(facts)),
  });
  const network = { ...testNetwork(), serverAddress: ip(address) };
  return {
    ...{ warned, learned },
    learns: (state: "birth" | "healthy") => {
      known = born(state);
    },
    /** The answer to a message at a time. */
    asked: (packet: DhcpPacket, atMs: number) => {
      nowMs = atMs;
      const history = localBoots.historyOf(mac, known);
      const ports = { http: 80, machines: 443 };
      const question = { packet, network, ports, machine: known, holderOf: () => undefined, history };
      const decision = decideDhcp(question, leasing);
      if ("local" in decision && decision.local !== undefined) localBoots.keep(mac, decision.local);
      return decision.kind === "reply" ? decision.answer.kind : decision.kind;
    },
    comesUp: () => notify({ machine: known, event: { kind: "subSeen", fromDisk: true } } as unknown as Change),
  };
}

const taking = (packet: DhcpPacket, xid: number, server: string): DhcpPacket => ({
  ...{ ...packet, xid },
  options: {
    ...{ ...packet.options, dhcpMessageType: "request" },
    ...{ requestedIpAddress: ip("10.77.0.60"), serverIdentifier: ip(server) },
  },
});

test("a server that lags installs a machine that another sends to its disk: the machine did not come back, and teaches once", () => {
  const [late, early] = [openServer("10.77.0.1"), openServer("10.77.0.2")];
  early.learns("healthy");
  const both = (packet: DhcpPacket, atMs: number) => [late, early].map((server) => server.asked(packet, atMs));
  assert.deepEqual(both({ ...edk2, xid: 1 }, 0), ["loader", "local"]);
  assert.deepEqual(both(taking(edk2, 1, "10.77.0.1"), 10), ["loader", "silence"]);
  late.learns("healthy");
  assert.deepEqual(both({ ...ipxe, xid: 2 }, 500), ["script", "script"]);
  assert.deepEqual(both(taking(ipxe, 2, "10.77.0.1"), 510), ["script", "silence"]);
  // Its firmware begins again, for example because its only boot entry is the network.
  assert.deepEqual(both({ ...edk2, xid: 3 }, 5000), ["local", "local"]);
  assert.deepEqual(both(taking(edk2, 3, "10.77.0.1"), 5010), ["local", "silence"]);
  for (const server of [late, early]) server.comesUp();
  assert.deepEqual([late.warned, early.warned, early.learned], [[], [], []]);
  assert.deepEqual(
    late.learned.map((one) => (one as { readonly key: string }).key.split("\t").at(-1)),
    ["uefiPxe", "uefiIpxe"],
  );
});

test("a client that took this server's offer and is back within a minute came back", () => {
  const server = openServer("10.77.0.1");
  server.learns("healthy");
  server.asked({ ...edk2, xid: 1 }, 0);
  server.asked(taking(edk2, 1, "10.77.0.1"), 10);
  server.asked({ ...edk2, xid: 2 }, 5000);
  assert.deepEqual(
    server.warned.map((facts) => (facts as { readonly failed: string }).failed),
    ["offerThenNak"],
  );
});
