import assert from "node:assert/strict";
import { test } from "node:test";
import { readServerFrame } from "../../src/core/dhcp/client-frame.ts";
import type { DhcpOptions } from "../../src/core/dhcp/codec/option-table.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { readUnverified } from "../../src/core/machine/unverified-line.ts";
import { macToBytes } from "../../src/core/net/mac.ts";
import { udpPacket } from "../../src/core/net/pcap.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { testNetwork } from "../../src/core/network/testing/test-network.ts";
import { decideByMode } from "../../src/core/pxe/decide-by-mode.ts";
import type { Listener, Wire } from "./host/devices/network.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

/** Ethernet, IPv4 and UDP headers before a DHCP message. */
const headerBytes = 14 + 20 + 8;

/** The Boot Server's answers to the DHCP messages of init: it takes log lines at a port, and others may change what it says. */
function dhcpOf(
  site: Site,
  { log = 514, more = {} }: { readonly log?: number; readonly more?: DhcpOptions } = {},
): NonNullable<Wire["answer"]> {
  const network = testNetwork({ secureBoot: true, secureBootKey: "own" });
  return (frame) => {
    const reading = readDhcp(frame.subarray(headerBytes));
    if (reading.kind !== "packet") return [];
    const ports = { http: 80, machines: 443, log };
    const question = { packet: reading.packet, network, ports, machine: site.machine(mac), holderOf: () => undefined };
    const decision = decideByMode(question, true);
    if (decision.kind !== "reply") return [];
    const source = { address: ip("10.77.0.1"), port: 67 };
    const { reply } = decision;
    const payload = writeDhcp({ ...reply, options: { ...reply.options, ...more } });
    const packet = udpPacket({ source, destination: { address: ip("255.255.255.255"), port: 68 }, payload });
    const answer = Uint8Array.from([...macToBytes(mac), 2, 0, 0, 0, 0, 1, 8, 0, ...packet]);
    assert.ok(readServerFrame(answer));
    return [answer];
  };
}

/** The site's listeners, where the Boot Server's port also has the settings of the machine. */
function withSettings(site: Site, settings: string): ReadonlyMap<string, Listener> {
  const http = site.listeners.get("10.77.0.1:80") ?? assert.fail();
  const serves: Listener = {
    connect: (client) => {
      const inner = http.connect(client);
      const path = `GET /boot/${mac.replaceAll(":", "-")}.settings `;
      return {
        ...inner,
        exchange: (bytes) =>
          Buffer.from(bytes).toString("latin1").startsWith(path)
            ? {
                bytes: Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${settings.length}\r\n\r\n${settings}`),
                closed: false,
              }
            : inner.exchange(bytes),
      };
    },
  };
  return new Map([...site.listeners, ["10.77.0.1:80", serves]]);
}

const board = { firmware: "uefi", secureBoot: true } as const;
const lines = (commandLine: string) => commandLine.split(" ").join("\n");

test("the signed image finds its settings on the wire, and installs its own signed loader", (t) => {
  const site = openSite();
  t.after(site.close);
  const signedImage = (given: string) => ({ answer: dhcpOf(site), listeners: withSettings(site, lines(given)) });
  const { end, kernel } = rackMachine(site, board).bootInit({ signedImage });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const { state, hardware, conditions } = site.machine(mac);
  assert.deepEqual([state, hardware?.bootTrust, conditions], ["healthy", "signed-image", []]);
});

test("a birth by anything else is wire-trusted, and so is the signed image where Secure Boot is off", (t) => {
  for (const signed of [false, true]) {
    const site = openSite();
    t.after(site.close);
    const signedImage = (given: string) => ({ answer: dhcpOf(site), listeners: withSettings(site, lines(given)) });
    rackMachine(site).bootInit(signed ? { signedImage } : {});
    assert.equal(site.machine(mac).hardware?.bootTrust, "wire-trusted");
  }
});

const attacks: readonly (readonly [
  title: string,
  wire: (site: Site, given: string) => Partial<Wire>,
  shown: RegExp,
])[] = [
  ["nobody answers DHCP", () => ({}), /expected the address of this machine's settings by DHCP on eth0, found none/],
  [
    "the settings are those of another machine",
    (site, given) => ({
      answer: dhcpOf(site),
      listeners: withSettings(site, lines(given.replace(mac, "52:54:00:99:99:99"))),
    }),
    /birther\.mac: expected 52:54:00:12:34:56, found 52:54:00:99:99:99/,
  ],
  [
    "the settings do not end",
    (site, given) => ({
      answer: dhcpOf(site),
      listeners: withSettings(site, `${lines(given)}\n${"x".repeat(100_000)}`),
    }),
    /expected at most 4096 bytes, found more/,
  ],
  [
    "the settings lead to a server that the image does not trust",
    (site, given) => {
      const listeners = new Map(withSettings(site, lines(given)));
      const own = listeners.get("10.77.0.1:443") ?? assert.fail();
      assert.ok(own.tls);
      listeners.set("10.77.0.1:443", { ...own, tls: { ...own.tls, caPem: "another authority" } });
      return { answer: dhcpOf(site), listeners };
    },
    /not correctly signed by the trusted CA/,
  ],
  [
    "the server says to wait",
    (site) => ({
      answer: dhcpOf(site),
      listeners: withSettings(site, "birther.refused on hold; next: release it\n"),
    }),
    /on hold; next: release it/,
  ],
];
for (const [title, wire, shown] of attacks)
  test(`${title}: the signed image writes nothing, says so, and restarts`, (t) => {
    const site = openSite();
    t.after(site.close);
    const machine = rackMachine(site, board);
    const failed = machine.bootInit({ signedImage: (given) => wire(site, given) });
    assert.deepEqual(failed.end, { kind: "restarted", how: "restart" });
    assert.match(failed.kernel.screen.join("\n"), shown);
    assert.equal(site.machine(mac).order?.taken, undefined);
  });

/** The site's listeners, but the Boot Server's HTTP takes connections and says nothing. */
function silentHttp(site: Site): ReadonlyMap<string, Listener> {
  const connect = () => ({ exchange: () => ({ bytes: new Uint8Array(), closed: false }), close: () => {} });
  return new Map([...site.listeners, ["10.77.0.1:80", { connect }]]);
}

test("the settings do not come: the signed image's lines and its kernel's reach the log by UDP, with the reason", (t) => {
  const site = openSite();
  t.after(site.close);
  const kernelRecords = "6,1,2100000,-;eth0: Link is Up\n";
  const machine = rackMachine(site, { ...board, kernelRecords });
  const signedImage = () => ({ answer: dhcpOf(site), listeners: silentHttp(site) });
  const { end, kernel } = machine.bootInit({ signedImage });
  assert.deepEqual(end, { kind: "restarted", how: "restart" });
  const lines = site.log(mac).map(readUnverified);
  assert.deepEqual(
    lines.map((line) => line?.sequence),
    lines.map((_, at) => at + 1),
  );
  const text = lines.map((line) => line?.text).join("\n");
  for (const said of [
    /kernel: eth0: Link is Up/,
    /settings found .*server=10\.77\.0\.1/,
    /ERROR: ask for the settings of this machine: /,
  ])
    assert.match(text, said, kernel.screen.join("\n"));
});

test("the signed image's lines go by UDP from its address on, and once TLS is up each is verified once", (t) => {
  const site = openSite();
  t.after(site.close);
  let datagrams = 0;
  let beforeSettings = 0;
  const { end, kernel } = rackMachine(site, board).bootInit({
    signedImage: (given) => {
      const listeners = new Map(withSettings(site, lines(given)));
      const http = listeners.get("10.77.0.1:80") ?? assert.fail();
      const connect = (client: string) => {
        beforeSettings ||= datagrams;
        return http.connect(client);
      };
      const datagram: typeof site.datagram = (...sent) => {
        datagrams += 1;
        site.datagram(...sent);
      };
      return { answer: dhcpOf(site), listeners: listeners.set("10.77.0.1:80", { ...http, connect }), datagram };
    },
  });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.ok(beforeSettings > 3, `${beforeSettings} lines came before the settings`);
  assert.ok(datagrams > beforeSettings);
  const kept = site.log(mac);
  assert.deepEqual(
    kept.filter((line) => readUnverified(line) !== undefined),
    [],
  );
  for (const said of ["settings found", "log lines also go to the Boot Server", "order taken"])
    assert.equal(kept.filter((line) => line.includes(said)).length, 1, said);
});

const quiet: readonly (readonly [title: string, wire: (site: Site) => Partial<Wire>])[] = [
  ["a Boot Server whose port for log lines is another one", (site) => ({ answer: dhcpOf(site, { log: 5140 }) })],
  [
    "a DHCP server that names a third host for log lines",
    (site) => ({ answer: dhcpOf(site, { more: { logServers: [ip("10.77.0.9")] } }) }),
  ],
];
for (const [title, wire] of quiet)
  test(`${title}: the signed image sends no line before it has its settings`, (t) => {
    const site = openSite();
    t.after(site.close);
    let datagrams = 0;
    const datagram = () => {
      datagrams += 1;
    };
    const signedImage = () => ({ listeners: silentHttp(site), datagram, ...wire(site) });
    const { end } = rackMachine(site, board).bootInit({ signedImage });
    assert.deepEqual(end, { kind: "restarted", how: "restart" });
    assert.equal(datagrams, 0);
  });
