import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { noAddress } from "../../src/core/net/ipv4.ts";
import { ip, prefix } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { describeDhcp } from "../../src/core/pxe/describe-packet.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { type DhcpSite, startDhcpSite } from "./dhcp-site.ts";
import { layRelayedWire, type RelayedWire } from "./relayed-wire.ts";
import { until } from "./site.ts";
import { asPxe, udhcpc } from "./udhcpc.ts";

const mac = "52:54:00:0a:0b:0c";
const row7 = testNetworkOfOnePart({
  ...{ name: "row7", serverAddress: ip("10.0.0.1"), prefix: prefix("10.78.0.0/24") },
  relay: { gateway: ip("10.78.0.1"), agents: [] },
  temporaryPool: { first: ip("10.78.0.50"), last: ip("10.78.0.250") },
});
const row8 = testNetworkOfOnePart({
  ...{ name: "row8", serverAddress: ip("10.0.0.1"), prefix: prefix("10.88.0.0/24") },
  relay: { gateway: ip("10.88.0.1"), agents: [] },
  temporaryPool: { first: ip("10.88.0.50"), last: ip("10.88.0.250") },
});

/** The wire, the server on it, and the route back to the machines. */
async function startRelayed(
  relayOptions: readonly string[],
): Promise<{ wire: RelayedWire; site: DhcpSite } & AsyncDisposable> {
  await using made = new AsyncDisposableStack();
  const wire = made.use(await layRelayedWire({ mac, server: "10.0.0.1", relayOptions }));
  execFileSync("ip", ["route", "add", "10.78.0.0/24", "via", "10.0.0.2"]);
  // The wire to the relay is a network of its own: local and relayed networks share server and address.
  const office = testNetworkOfOnePart({
    ...{ name: "office", interface: wire.serverInterface, serverAddress: ip("10.0.0.1"), nursery: false },
    ...{ prefix: prefix("10.0.0.0/24"), temporaryPool: { first: ip("10.0.0.100"), last: ip("10.0.0.110") } },
    allowForeignDhcp: true,
  });
  const site = made.use(await startDhcpSite([office, row8, row7]));
  const all = made.move();
  return { wire, site, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

await insideNamespace(import.meta.url, () => {
  for (const [title, options, relay] of [
    ["plain", [], "10.78.0.1"],
    ["with circuit and remote id", ["-a"], "10.78.0.1"],
    ["that selects the link", ["-a", "-U", "client0"], "10.0.0.2"],
  ] as const)
    test(`udhcpc behind a dhcrelay ${title}: born with an address of its network, and the gateway to us`, async () => {
      await using relayed = await startRelayed(options);
      const { wire, site } = relayed;
      const { status, given, output } = await udhcpc(wire, asPxe);
      assert.equal(status, 0, [output, ...site.lines].join("\n"));
      const machine = site.store.list()[0] ?? assert.fail("no record");
      assert.deepEqual([machine.macs, machine.state, machine.network], [[mac], "birth", "row7"]);
      assert.equal(ip(given.get("ip") ?? ""), machine.temporaryAddress);
      assert.match(given.get("ip") ?? "", /^10\.78\.0\./);
      assert.deepEqual([given.get("router"), given.get("boot_file")], ["10.78.0.1", "undionly.kpxe"]);
      assert.equal(given.get("siaddr"), "10.0.0.1");
      await until(site, "four packets logged", () => site.packets.of(machine.id).length >= 4);
      const logged = site.packets
        .of(machine.id)
        .map(({ direction, bytes }) => `${direction} ${describeDhcp(bytes).kind}`);
      assert.deepEqual(logged, ["in discover", "out offer", "in request", "out ack"]);
      assert.equal(site.packets.of(machine.id)[1]?.destination.address, ip(relay));
    });

  test("a relay that sends from its own port and announces it is answered there (RFC 8357)", async () => {
    // Debian's dhcrelay is built without it, so the relay is this socket, at the server's end of the wire.
    await using relayed = await startRelayed([]);
    const relay = createSocket("udp4");
    relay.bind(0, "10.0.0.1");
    await once(relay, "listening");
    const answered = once(relay, "message", { signal: AbortSignal.timeout(60_000) });
    const chaddr = Uint8Array.of(0x52, 0x54, 0, 0, 0x83, 0x57, ...new Uint8Array(10));
    const discover: DhcpPacket = {
      ...{ op: 1, htype: 1, hlen: 6, hops: 1, xid: 8357, secs: 0, flags: 0, chaddr, giaddr: ip("10.0.0.1") },
      ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, sname: "", file: "", otherOptions: new Map() },
      options: {
        ...{ dhcpMessageType: "discover", vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003000" },
        // Link selection 10.78.0.0, then the source port's sub-option, which is empty.
        relayAgentInformation: Uint8Array.of(5, 4, 10, 78, 0, 0, 19, 0),
      },
    };
    relay.send(writeDhcp(discover, 1472), 67, "10.0.0.1");
    const [bytes] = (await answered) as [Uint8Array];
    relay.close();
    assert.equal(describeDhcp(bytes).kind, "offer");
    assert.equal(relayed.site.store.list()[0]?.network, "row7");
  });

  test("dhclient behind a relay: its lease names the relayed network", async () => {
    await using relayed = await startRelayed(["-a"]);
    const { wire, site } = relayed;
    const directory = mkdtempSync(join(tmpdir(), "birther-dhclient-"));
    try {
      const at = (name: string) => join(directory, name);
      writeFileSync(
        at("conf"),
        `option architecture code 93 = unsigned integer 16;
send architecture 0;
send vendor-class-identifier "PXEClient:Arch:00000:UNDI:002001";
request subnet-mask, routers, dhcp-renewal-time;
`,
      );
      const files = ["-lf", at("leases"), "-pf", at("pid"), "-sf", "/bin/true", "-cf", at("conf")];
      const { output } = await wire.run(["dhclient", "-1", "-v", ...files, wire.clientInterface]);
      await wire.run(["dhclient", "-x", ...files, wire.clientInterface]);
      const lease = readFileSync(at("leases"), "utf8");
      const [, fixed = output] = /fixed-address (.*);/.exec(lease) ?? [];
      assert.equal(ip(fixed), site.store.list()[0]?.temporaryAddress);
      assert.match(lease, /option routers 10\.78\.0\.1;/);
      assert.match(lease, /dhcp-server-identifier 10\.0\.0\.1;/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("udhcpc renews past the relay, by unicast, and keeps its address; after a release nobody else gets it", async () => {
    await using relayed = await startRelayed([]);
    const { wire, site } = relayed;
    const directory = mkdtempSync(join(tmpdir(), "birther-udhcpc-"));
    let client: ChildProcess | undefined;
    try {
      const script = join(directory, "script");
      const bound = join(directory, "bound");
      writeFileSync(
        script,
        `#!/bin/sh
case $1 in bound|renew) ip address replace $ip/24 dev $interface; ip route replace default via $router;; esac
[ "$1" = bound ] && touch ${bound}
exit 0
`,
        { mode: 0o755 },
      );
      client = wire.start(["udhcpc", "-f", "-R", "-T", "15", "-s", script, "-i", wire.clientInterface, ...asPxe]);
      // Before it has its address and its route, it would begin anew instead of renewing.
      await until(site, "the client to be bound", () => existsSync(bound));
      const machine = site.store.list()[0] ?? assert.fail("no record");
      await until(site, "the birth logged", () => site.packets.of(machine.id).length === 4);
      client.kill("SIGUSR1");
      await until(site, "the renewal logged", () => site.packets.of(machine.id).length >= 6);
      const [request, ack] = site.packets.of(machine.id).slice(4, 6);
      assert.equal(request?.source.address, machine.temporaryAddress);
      assert.equal(ack?.destination.address, machine.temporaryAddress);
      client.kill("SIGTERM");
      await until(site, "the release", () => site.lines.some((line) => line.includes("released")));
      assert.equal(ip((await udhcpc(wire, asPxe)).given.get("ip") ?? ""), machine.temporaryAddress);
    } finally {
      client?.kill("SIGKILL");
      rmSync(directory, { recursive: true });
    }
  });
});
