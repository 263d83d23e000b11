import assert from "node:assert/strict";
import { test } from "node:test";
import { changesPerMinute, fleetDetailsPerMinute } from "../../src/boot-server/dhcp/change-rate.ts";
import { openSeenRequests } from "../../src/boot-server/dhcp/seen-requests.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { noAddress } from "../../src/core/net/ipv4.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { startDhcpSite } from "../real-clients/dhcp-site.ts";
import { until } from "../real-clients/site.ts";
import { asPxe, udhcpc } from "../real-clients/udhcpc.ts";
import { layWire } from "../real-clients/wire.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { repeatAttack } from "./attack.ts";

/** What a forged stream of DHCP requests makes the MDB write. */

const packets = 600;
const mac = "52:54:00:0a:0b:01";
const chaddr = Uint8Array.of(0x52, 0x54, 0, 10, 11, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** The n-th packet of a stream: another firmware, client identifier and host name each time. */
function forgedDiscover(n: number): string {
  const architecture = n % 2 === 0 ? 0 : 7;
  const packet: DhcpPacket = {
    ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid: n, secs: 0, flags: 0x8000 },
    ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress },
    ...{ chaddr, sname: "", file: "", otherOptions: new Map() },
    options: {
      dhcpMessageType: "discover",
      vendorClassIdentifier: `PXEClient:Arch:0000${architecture}:UNDI:003000`,
      clientSystemArchitecture: [architecture],
      clientIdentifier: Uint8Array.of(1, n >> 8, n & 255),
      hostName: `host-${n}`,
    },
  };
  return Buffer.from(writeDhcp(packet)).toString("hex");
}

/** A program that sends one packet after the other, a few at a time. */
const senderOf = (packetsJson: string) => `
const packets = ${packetsJson};
const socket = require("dgram").createSocket("udp4");
socket.bind(0, async () => {
  for (const [n, hex] of packets.entries()) {
    await new Promise((resolve) => socket.send(Buffer.from(hex, "hex"), 67, "10.77.0.1", resolve));
    if (n % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  socket.close();
});`;

await insideNamespace(import.meta.url, () => {
  test("one address that flaps between two networks is recorded at a limited rate", async (t) => {
    const clock = stillClock();
    const lines: string[] = [];
    const log = (_level: string, message: string) => void lines.push(message);
    await using store = await openStore({ path: ":memory:", clock, log });
    let changes = 0;
    store.watch(() => {
      changes += 1;
    });
    await using seen = openSeenRequests({ store, clock, log });
    const attempt = async () => {
      const before = changes;
      for (let n = 0; n < packets; n += 1) {
        const asked = asks(1, ip(`10.77.${n % 2}.50`));
        const machine = store.byMac(testMac(1));
        await seen.before({ type: "ack", mac: testMac(1), machine, seen: asked });
      }
      const written = changes - before;
      clock.pass(60_000);
      return written > 0 && written <= changesPerMinute ? undefined : `${written} changes within a minute`;
    };
    await repeatAttack(t, 3, attempt);
    assert.equal(lines.filter((line) => line.includes("too many different DHCP requests")).length, 3);
  });

  test("streams in the names of all known machines are written at the rate of a fleet that starts; new ones are served", {
    timeout: 300_000,
  }, async (t) => {
    const clock = stillClock();
    const lines: string[] = [];
    const log = (_level: string, message: string) => void lines.push(message);
    await using store = await openStore({ path: ":memory:", clock, log });
    await using seen = openSeenRequests({ store, clock, log });
    const machines = fleetDetailsPerMinute / changesPerMinute + 100;
    for (let n = 1; n <= machines; n += 1) await store.apply(asks(n));
    let newest = machines;
    await repeatAttack(t, 2, async () => {
      clock.pass(60_000);
      const before = store.position();
      for (let round = 0; round < changesPerMinute; round += 1)
        for (let n = 1; n <= machines; n += 1) {
          const machine = store.byMac(testMac(n)) ?? assert.fail();
          const firmware = machine.firmware === "bios" ? "uefi" : "bios";
          await seen.after(machine, { ...asks(n), firmware });
        }
      const written = store.position() - before;
      // The new machine of the round before may be written within this one.
      if (written === 0 || written > fleetDetailsPerMinute + 1) return `${written} changes within a minute`;
      newest += 1;
      const asked = asks(newest);
      const isRecorded = await seen.before({ type: "offer", mac: asked.mac, machine: undefined, seen: asked });
      return isRecorded === false ? "a new machine is not answered" : undefined;
    });
    assert.equal(lines.filter((line) => line.includes("too many DHCP requests of known machines")).length, 2);
  });

  const start = async () => {
    await using made = new AsyncDisposableStack();
    const wire = made.use(await layWire({ mac, addresses: ["10.77.0.1/24"] }));
    await wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", wire.clientInterface]);
    const network = testNetworkOfOnePart({ interface: wire.serverInterface });
    const site = made.use(await startDhcpSite([network]));
    const send = async (stream: readonly string[]) => {
      const received = () => site.dhcp.networks()[0]?.received ?? 0;
      // A command line has a limit of its length; and no more wait for the server than its socket has room for.
      for (let from = 0; from < stream.length; from += 100) {
        const before = received();
        const part = stream.slice(from, from + 100);
        const { status, output } = await wire.run([process.execPath, "-e", senderOf(JSON.stringify(part))]);
        assert.equal(status, 0, output);
        await until(site, "the stream", () => received() >= before + part.length);
      }
    };
    const all = made.move();
    return { wire, site, send, [Symbol.asyncDispose]: () => all.disposeAsync() };
  };

  test("a stream in the name of a known machine changes its record at a limited rate", {
    timeout: 120_000,
  }, async (t) => {
    await using attack = await start();
    const { wire, site, send } = attack;
    assert.equal((await udhcpc(wire, asPxe)).status, 0, site.lines.join("\n"));
    await repeatAttack(t, 1, async () => {
      const before = site.store.position();
      await send(Array.from({ length: packets }, (_, n) => forgedDiscover(n)));
      const written = site.store.position() - before;
      // The counts are written every ten seconds; a window may end within the stream.
      const most = 2 * changesPerMinute + 30;
      return written <= most ? undefined : `${written} changes of ${packets} packets, expected at most ${most}`;
    });
    assert.equal((await udhcpc(wire, asPxe)).status, 0, site.lines.join("\n"));
  });
});
