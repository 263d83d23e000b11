import assert from "node:assert/strict";
import { test } from "node:test";
import type { DhcpOptions } from "../../src/core/dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { noAddress } from "../../src/core/net/ipv4.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { startDhcpSite } from "../real-clients/dhcp-site.ts";
import { until } from "../real-clients/site.ts";
import { asPxe, udhcpc } from "../real-clients/udhcpc.ts";
import { layWire } from "../real-clients/wire.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { repeatAttack } from "./attack.ts";

const mac = "52:54:00:0a:0b:01";
const chaddr = Uint8Array.of(0x52, 0x54, 0, 10, 11, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

const packet = (op: 1 | 2, options: DhcpOptions): DhcpPacket => ({
  ...{ op, htype: 1, hlen: 6, hops: 0, xid: 7, secs: 0, flags: 0x8000 },
  ...{ ciaddr: noAddress, yiaddr: op === 2 ? ip("10.77.0.200") : noAddress, siaddr: noAddress, giaddr: noAddress },
  ...{ chaddr, sname: "", file: "", options, otherOptions: new Map() },
});
const forgedOffer = packet(2, { dhcpMessageType: "offer", serverIdentifier: ip("10.77.0.9"), ipAddressLeaseTime: 60 });
/** A client that names another server identifier, as only a relay may. */
const override = packet(1, {
  ...{ dhcpMessageType: "discover", vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003000" },
  relayAgentInformation: Uint8Array.of(11, 4, 10, 77, 0, 9),
});
/** What takes an address from a machine if it is believed: RFC 2131 §4.3.4 and §4.3.5. */
const forgedEnd = (kind: "release" | "inform", address: number): DhcpPacket => ({
  ...packet(1, { dhcpMessageType: kind, serverIdentifier: ip("10.77.0.1") }),
  ciaddr: ip(`10.77.0.${address}`),
});
const forgedDecline = (address: number): DhcpPacket =>
  packet(1, {
    dhcpMessageType: "decline",
    requestedIpAddress: ip(`10.77.0.${address}`),
    serverIdentifier: ip("10.77.0.1"),
  });

await insideNamespace(import.meta.url, () => {
  const start = async () => {
    await using made = new AsyncDisposableStack();
    const wire = made.use(await layWire({ mac, addresses: ["10.77.0.1/24"] }));
    await wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", wire.clientInterface]);
    const network = testNetworkOfOnePart({
      ...{ interface: wire.serverInterface, allowForeignDhcp: false },
      temporaryPool: { first: ip("10.77.0.50"), last: ip("10.77.0.60") },
    });
    const site = made.use(await startDhcpSite([network]));
    const send = async (what: DhcpPacket, to: string, port: 67 | 68) => {
      const hex = Buffer.from(writeDhcp(what)).toString("hex");
      const code = `const s=require("dgram").createSocket("udp4");s.bind(0,()=>{s.setBroadcast(true);s.send(Buffer.from("${hex}","hex"),${port},"${to}",()=>s.close())})`;
      const { status, output } = await wire.run([process.execPath, "-e", code]);
      assert.equal(status, 0, output);
    };
    const all = made.move();
    return { wire, site, send, [Symbol.asyncDispose]: () => all.disposeAsync() };
  };

  test("OFFERs that answer no probe of ours, and our own, stop no network", { timeout: 120_000 }, async (t) => {
    await using attack = await start();
    const { wire, site, send } = attack;
    await repeatAttack(t, 4, async (round) => {
      if (round < 2) await send(forgedOffer, "10.77.0.1", 68);
      else {
        const { received = 0 } = site.dhcp.networks()[0] ?? {};
        await send(override, "10.77.0.1", 67);
        await until(site, "the DISCOVER", () => (site.dhcp.networks()[0]?.received ?? 0) > received);
      }
      const { notServed, foreignDhcp: foreign } = site.dhcp.networks()[0] ?? assert.fail();
      if (notServed !== undefined || foreign !== undefined) return `not served: ${JSON.stringify(foreign)}`;
      return site.lines.find((line) => line.includes("another DHCP server is on"));
    });
    assert.equal((await udhcpc(wire, asPxe)).status, 0, site.lines.join("\n"));
  });

  test("DECLINEs in the name of a machine take no address that it was not given a moment ago", {
    timeout: 120_000,
  }, async (t) => {
    await using attack = await start();
    const { wire, site, send } = attack;
    const address = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
    site.putForward(60_000);
    const last = Number(address.split(".")[3]);
    await repeatAttack(t, 4, async (round) => {
      const { received = 0 } = site.dhcp.networks()[0] ?? {};
      await send(forgedDecline(round === 0 ? last : 49 + round), "10.77.0.1", 67);
      await until(site, "the DECLINE", () => (site.dhcp.networks()[0]?.received ?? 0) > received);
      const { declined } = site.dhcp.networks()[0] ?? assert.fail();
      return declined.length === 0 ? undefined : `declined: ${JSON.stringify(declined)}`;
    });
  });

  test("RELEASEs and INFORMs in the name of a machine leave it its address", { timeout: 120_000 }, async (t) => {
    await using attack = await start();
    const { wire, site, send } = attack;
    const address = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
    const last = Number(address.split(".")[3]);
    const held = () => site.store.list().map(({ macs, temporaryAddress }) => [macs, temporaryAddress]);
    const before = held();
    await repeatAttack(t, 6, async (round) => {
      const { received = 0 } = site.dhcp.networks()[0] ?? {};
      await send(forgedEnd(round % 2 === 0 ? "release" : "inform", round < 4 ? last : 55), "10.77.0.1", 67);
      await until(site, "the packet", () => (site.dhcp.networks()[0]?.received ?? 0) > received);
      return JSON.stringify(held()) === JSON.stringify(before) ? undefined : `the addresses: ${JSON.stringify(held())}`;
    });
    assert.equal((await udhcpc(wire, asPxe)).given.get("ip"), address);
  });
});
