import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { viewPacket } from "../../src/boot-server/observe/packet-view.ts";
import { networksText } from "../../src/cli/read/networks.ts";
import { hexFromBytes } from "../../src/core/bytes/text.ts";
import { clientFrame, clientMessage, declineMessage } from "../../src/core/dhcp/client-frame.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { chooseAddress } from "../../src/core/dhcp/pool/address-pool.ts";
import { broadcastAddress, formatIpv4, noAddress } from "../../src/core/net/ipv4.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { type DhcpSite, startDhcpSite } from "./dhcp-site.ts";
import { until } from "./site.ts";
import { asPxe, isAnswered, udhcpc } from "./udhcpc.ts";
import { layWire, type Wire } from "./wire.ts";

const mac = (n: number) => `52:54:00:0a:0b:0${n}`;
const hourMs = 3_600_000;

/** A DISCOVER whose link selection is our network, and whose answer would be broadcast on the wire. */
const fromRelayAtBroadcast: DhcpPacket = {
  ...{ op: 1, htype: 1, hlen: 6, hops: 1, xid: 7, secs: 0, flags: 0 },
  ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: broadcastAddress },
  ...{ chaddr: Uint8Array.of(0x52, 0x54, 0, 10, 11, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), sname: "", file: "" },
  options: {
    ...{ dhcpMessageType: "discover", vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003000" },
    relayAgentInformation: Uint8Array.of(5, 4, 10, 77, 0, 0),
  },
  otherOptions: new Map(),
};

/** A network on a cable, with this many temporary addresses, from 10.77.0.50 on. */
const networkOn = (wire: Wire, addresses: number) =>
  testNetworkOfOnePart({
    ...{ interface: wire.serverInterface, allowForeignDhcp: true },
    temporaryPool: { first: ip("10.77.0.50"), last: ip(`10.77.0.${49 + addresses}`) },
  });

const layTrouble = () => layWire({ mac: mac(1), addresses: ["10.77.0.1/24"] });

/** A cable with a server that has this many temporary addresses. */
async function startTrouble(addresses: number): Promise<{ wire: Wire; site: DhcpSite } & AsyncDisposable> {
  await using made = new AsyncDisposableStack();
  const wire = made.use(await layTrouble());
  const site = made.use(await startDhcpSite([networkOn(wire, addresses)]));
  const all = made.move();
  return { wire, site, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Gives the client's NIC the MAC address of another machine. */
async function become(wire: Wire, n: number): Promise<void> {
  for (const change of ["down", `address ${mac(n)}`, "up"])
    await wire.run(["ip", "link", "set", wire.clientInterface, ...change.split(" ")]);
}

/** Sends a DHCP message from the client's end, which needs an address. */
async function send(wire: Wire, packet: DhcpPacket): Promise<void> {
  const bytes = Array.from(writeDhcp(packet), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`);
  await wire.run(["bash", "-c", `printf '${bytes.join("")}' | cat > /dev/udp/10.77.0.1/67`]);
}

const sender = new URL("send-frame.ts", import.meta.url);

const otherHost = "other0";

/** Connects another host to the client's end: its MAC is `mac(9)`, and it answers ARP for the addresses that it is given. */
async function addOtherHost(wire: Wire): Promise<{ readonly take: (address: string) => Promise<unknown> }> {
  const { clientInterface, run } = wire;
  await run(["ip", "link", "add", otherHost, "link", clientInterface, "address", mac(9), "type", "macvlan"]);
  // Otherwise the client's NIC answers for the other host, too.
  for (const name of [clientInterface, otherHost])
    await run(["bash", "-c", `echo 1 > /proc/sys/net/ipv4/conf/${name}/arp_ignore`]);
  await run(["ip", "link", "set", otherHost, "up"]);
  return { take: (address) => run(["ip", "address", "add", `${address}/32`, "dev", otherHost]) };
}

await insideNamespace(import.meta.url, () => {
  test("udhcpc finds another host at its address: the address is declined and shown, and udhcpc gets another one", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    // Whichever address it is offered first, this end answers ARP for it.
    const first = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
    execFileSync("ip", ["address", "add", `${first}/32`, "dev", wire.serverInterface]);
    const { status, given, output } = await udhcpc(wire, [...asPxe, "-a", "-A", "1"]);
    assert.match(output, /decline/i);
    assert.equal(status, 0, [output, ...site.lines].join("\n"));
    assert.notEqual(given.get("ip"), first);
    const [network] = site.dhcp.networks();
    assert.deepEqual(
      network?.declined.map(({ address }) => address),
      [first],
    );
    assert.ok(site.lines.some((line) => line.startsWith("warn address declined")));
    const [machine] = site.store.list();
    assert.equal(machine?.temporaryAddress, ip(given.get("ip") ?? ""));
    const history = await site.store.history(machine?.id ?? assert.fail(), 50);
    assert.ok(history.some(({ event }) => event.kind === "addressDeclined"));
    site.putForward(hourMs);
    assert.deepEqual(site.dhcp.networks()[0]?.declined, []);
  });

  test("an address that another host uses is not offered, and is shown as declined", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    const { take } = await addOtherHost(wire);
    const client = { mac: macOf(mac(1)), holderOf: () => undefined, wanted: undefined };
    const choice = chooseAddress(networkOn(wire, 2).temporaryPool, client);
    const first = choice.kind === "address" ? formatIpv4(choice.address) : assert.fail();
    await take(first);
    const { given } = await udhcpc(wire, asPxe);
    assert.ok(given.has("ip"), site.lines.join("\n"));
    assert.notEqual(given.get("ip"), first);
    assert.deepEqual(
      site.dhcp.networks()[0]?.declined.map(({ address }) => address),
      [first],
    );
    assert.ok(
      site.lines.some((line) => line.startsWith("warn temporary address not offered") && line.includes(mac(9))),
    );
  });

  test("a late DECLINE counts only if another host answers at the address", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    const { take } = await addOtherHost(wire);
    const address = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
    site.putForward(60_000);
    await wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", wire.clientInterface]);
    const decline = declineMessage(macOf(mac(1)), 7, { address: ip(address), server: ip("10.77.0.1") });
    const networkNow = () => site.dhcp.networks()[0] ?? assert.fail();
    await send(wire, decline);
    await until(site, "the first DECLINE", () => networkNow().unanswered.declinedWithoutOffer === 1);
    assert.deepEqual(networkNow().declined, []);
    await take(address);
    await send(wire, decline);
    await until(site, "the second DECLINE", () => networkNow().declined.length === 1);
    assert.ok(site.store.list().every(({ temporaryAddress }) => temporaryAddress === undefined));
  });

  test("a declined address stays unused after a restart of the server, until its time is over", async () => {
    const directory = mkdtempSync(join(tmpdir(), "birther-declined-"));
    await using made = new AsyncDisposableStack();
    made.defer(() => rmSync(directory, { recursive: true }));
    const wire = made.use(await layTrouble());
    const start = () => startDhcpSite([networkOn(wire, 2)], join(directory, "mdb.sqlite"));
    let first: string;
    {
      await using site = await start();
      first = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
      execFileSync("ip", ["address", "add", `${first}/32`, "dev", wire.serverInterface]);
      const { status, output } = await udhcpc(wire, [...asPxe, "-a", "-A", "1"]);
      assert.equal(status, 0, [output, ...site.lines].join("\n"));
    }
    await using site = await start();
    const declined = () => site.dhcp.networks()[0]?.declined ?? assert.fail();
    assert.deepEqual(
      declined().map(({ address, mac }) => [address, mac]),
      [[first, mac(1)]],
    );
    // Machine 1 has the other address, so machine 2 gets none until the hour is over.
    await become(wire, 2);
    assert.equal(await isAnswered(wire, asPxe), false);
    const refused = () => site.dhcp.networks()[0]?.unanswered.poolExhausted ?? 0;
    await until(site, "its requests are counted", () => refused() > 0);
    site.putForward(hourMs);
    assert.deepEqual(declined(), []);
    assert.equal((await udhcpc(wire, asPxe)).given.get("ip"), first, site.lines.join("\n"));
  });

  test("an exhausted pool is logged once, has free addresses when machines have vanished, and loses no machine", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    const given: (string | undefined)[] = [];
    for (const n of [1, 2]) {
      await become(wire, n);
      given.push((await udhcpc(wire, asPxe)).given.get("ip"));
    }
    assert.deepEqual(given.sort(), ["10.77.0.50", "10.77.0.51"]);
    await become(wire, 3);
    assert.equal(await isAnswered(wire, asPxe), false);
    await become(wire, 4);
    assert.equal(await isAnswered(wire, asPxe), false);
    const pool = () => site.dhcp.networks()[0]?.pool;
    await until(site, "four refused requests", () => (pool()?.refused ?? 0) >= 4);
    assert.equal(site.lines.filter((line) => line.startsWith("warn address pool exhausted")).length, 1);
    assert.deepEqual([pool()?.held, pool()?.size], [2, 2]);

    // Half an hour later, machine 1 requests again: it has its address, and the others still have to wait.
    site.putForward(hourMs / 2);
    await become(wire, 1);
    const kept = (await udhcpc(wire, asPxe)).given.get("ip");
    await become(wire, 3);
    assert.equal(await isAnswered(wire, asPxe), false);
    // Machine 2 was not heard for an hour, so the next machine gets its address.
    site.putForward(hourMs / 2 + 60_000);
    const { status, given: late } = await udhcpc(wire, asPxe);
    assert.equal(status, 0, site.lines.join("\n"));
    assert.ok(given.includes(late.get("ip")) && late.get("ip") !== kept);
    await until(site, "a log line that the pool has free addresses", () =>
      site.lines.some((line) => line.startsWith("info address pool has free addresses again")),
    );
    assert.equal(site.store.find(`m-${mac(2).replaceAll(":", "")}`)?.temporaryAddress, undefined);
    // Machine 2 is served again when machine 1 has vanished.
    site.putForward(hourMs + 60_000);
    await become(wire, 2);
    assert.equal((await udhcpc(wire, asPxe)).status, 0, site.lines.join("\n"));
  });

  test("a client without an address is answered at its MAC address, or by broadcast if it requests that", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    for (const [options, destination] of [
      [[], /^10\.77\.0\./],
      [["-B"], /^255\.255\.255\.255$/],
    ] as const) {
      assert.equal((await udhcpc(wire, [...asPxe, ...options])).status, 0, site.lines.join("\n"));
      const [machine] = site.store.list();
      const sent = site.packets.of(machine?.id ?? assert.fail()).filter(({ direction }) => direction === "out");
      for (const packet of sent.slice(-2)) assert.match(formatIpv4(packet.destination.address), destination);
    }
  });

  test("an invalid DHCP message is counted by its fault", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    await wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", wire.clientInterface]);
    for (const bytes of [200, 300])
      await wire.run(["bash", "-c", `head -c ${bytes} /dev/zero > /dev/udp/10.77.0.1/67`]);
    await send(wire, fromRelayAtBroadcast);
    await until(site, "three packets", () => site.dhcp.networks()[0]?.received === 3);
    const { malformed, answered } = site.dhcp.networks()[0] ?? assert.fail();
    assert.deepEqual(malformed, { tooShort: 1, badOperation: 1, badRelayAddress: 1 });
    assert.equal(answered, 0);
  });

  test("requests with a VLAN tag are counted, named in the networks' list, the log and the machine's packets", async () => {
    await using trouble = await startTrouble(2);
    const { wire, site } = trouble;
    const { clientInterface, run } = wire;
    assert.ok((await udhcpc(wire, asPxe)).given.has("ip"), site.lines.join("\n"));
    const discover = clientMessage(macOf(mac(1)), 7, { dhcpMessageType: "discover" });
    const frame = clientFrame(macOf(mac(1)), discover);
    // Between the addresses and the type: 802.1Q, VLAN 42.
    const tagged = Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, 0, 42, ...frame.subarray(12));
    const send = (bytes: Uint8Array) =>
      run([process.execPath, fileURLToPath(sender), clientInterface, hexFromBytes(bytes)]);
    for (const bytes of [tagged, tagged, frame]) assert.equal((await send(bytes)).status, 0);
    const count = () => site.dhcp.networks()[0]?.unanswered.taggedVlan ?? 0;
    await until(site, "both requests are counted", () => count() === 2);
    assert.match(
      networksText(site.dhcp.networks(), 0).join("\n"),
      /rack: 2 requests with a VLAN tag, which is not sup/,
    );
    const warnings = site.lines.filter((line) => line.startsWith("warn DHCP request with a VLAN tag not answered"));
    assert.equal(warnings.length, 1, site.lines.join("\n"));
    const packets = site.packets.of(site.store.list()[0]?.id ?? assert.fail()).map(viewPacket);
    assert.equal(packets.filter(({ facts }) => facts[0] === "VLAN tag (not supported)").length, 2);
  });

  test("a clock that is set back by years while other DHCP servers are sought delays nothing and sends no flood", async () => {
    await using wire = await layTrouble();
    // Set once the watch, which listens on port 68, has read the clock twice: when it began, and for its first timer.
    let readings = 0;
    const wrongMs = () => {
      if (readFileSync("/proc/net/udp", "utf8").includes(":0044 ")) readings += 1;
      return readings > 2 ? -10 * 365 * 24 * hourMs : 0;
    };
    const sentBy = () =>
      Number(
        execFileSync("ip", ["-s", "-j", "link", "show", wire.serverInterface])
          .toString()
          .match(/"tx":\{"bytes":\d+,"packets":(\d+)/)?.[1],
      );
    const before = sentBy();
    await using site = await startDhcpSite([{ ...networkOn(wire, 2), allowForeignDhcp: false }], ":memory:", wrongMs);
    assert.ok(sentBy() - before < 50, `${sentBy() - before} packets were sent`);
    assert.equal((await udhcpc(wire, asPxe)).status, 0, site.lines.join("\n"));
  });

  test("a host that answers ARP for every address takes a few of them, no machine's own, and is named", async () => {
    await using trouble = await startTrouble(30);
    const { wire, site } = trouble;
    const own = (await udhcpc(wire, asPxe)).given.get("ip") ?? assert.fail(site.lines.join("\n"));
    const spoofer = await addOtherHost(wire);
    for (let n = 50; n < 80; n += 1) if (`10.77.0.${n}` !== own) await spoofer.take(`10.77.0.${n}`);
    await spoofer.take(own);
    site.putForward(600_000);
    assert.equal((await udhcpc(wire, asPxe)).given.get("ip"), own, "its own address");
    for (const n of [2, 3, 4, 5]) {
      await become(wire, n);
      assert.ok((await udhcpc(wire, asPxe)).given.has("ip"), site.lines.join("\n"));
    }
    const [status = assert.fail()] = site.dhcp.networks();
    assert.equal(status.declined.length, 4);
    assert.equal(status.doubtedArp?.mac, mac(9));
    assert.match(
      networksText(site.dhcp.networks(), 0).join("\n"),
      /answers to ARP were not believed, the last of 52:54/,
    );
  });
});
