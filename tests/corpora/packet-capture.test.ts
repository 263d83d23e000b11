import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { LoggedPacket } from "../../src/boot-server/observe/packet-log.ts";
import { viewPacket } from "../../src/boot-server/observe/packet-view.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { hostileBytes } from "../support/hostile-words.ts";

const [client, server] = [
  { address: ip("0.0.0.0"), port: 68 },
  { address: ip("10.77.0.1"), port: 67 },
];
/** A DISCOVER with hostile bytes as its host name. */
function discover(): Uint8Array {
  const head = Buffer.alloc(240);
  head.set([1, 1, 6]);
  head.set([0x02, 0, 0, 0, 0, 9], 28);
  head.writeUInt32BE(0x63825363, 236);
  const name = hostileBytes("name");
  return Buffer.concat([head, Buffer.of(53, 1, 1, 12, name.length), name, Buffer.of(255)]);
}

test("tcpdump reads the capture that the API sends of a machine", async () => {
  const sent: readonly Omit<LoggedPacket, "atMs">[] = [
    { protocol: "dhcp", direction: "in", source: client, destination: server, bytes: discover() },
    {
      ...{ protocol: "tftp", direction: "in", source: { address: ip("10.77.0.50"), port: 2070 } },
      ...{ destination: { ...server, port: 69 }, bytes: Buffer.from("\0\u0001ipxe.efi\0octet\0") },
    },
  ];
  const packets = sent.map((one, n) => viewPacket({ ...one, atMs: 1_700_000_000_000 + n }));
  await using opened = await openApp(1, 0, [], () => ({ packetsOf: () => packets }));
  const answer = await opened.app.request(
    "/v1/machines/r01u1/packets.pcap",
    // As a browser that follows a link asks.
    { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } },
    { listener: { kind: "socket", user: "root" } },
  );
  assert.equal(answer.headers.get("content-disposition"), 'attachment; filename="r01u1.pcap"');
  const input = new Uint8Array(await answer.arrayBuffer());
  const { stdout, stderr, status } = spawnSync("tcpdump", ["-n", "-tt", "-v", "-r", "-"], { input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^1700000000\.000000 IP .*\n +0\.0\.0\.0\.68 > 10\.77\.0\.1\.67: BOOTP\/DHCP, Request from 02:0/m,
  );
  assert.match(stdout, /^1700000000\.001000 IP .*\n +10\.77\.0\.50\.2070 > 10\.77\.0\.1\.69: .*RRQ "ipxe\.efi" octet/m);
  assert.doesNotMatch(stdout, /bad (udp )?cksum|truncated/);
});
