import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { testSeed } from "../support/seed.ts";
import { type BadClient, layBadWire } from "./bad-wire.ts";
import { startDhcpSite } from "./dhcp-site.ts";

const macs = [1, 2, 3, 4, 5, 6].map((n) => `52:54:00:0a:0b:0${n}`);
/** Three requests in a row are lost in both directions half of the time; a busy computer needs several rounds more. */
const retrySeconds = 240;

/** Runs udhcpc as a BIOS PXE client until it has an address, which it returns. */
async function udhcpc(client: BadClient, directory: string): Promise<string> {
  const given = join(directory, `udhcpc-${client.mac}`);
  const script = join(directory, `script-${client.mac}`);
  writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] && echo $ip > ${given}\nexit 0\n`, { mode: 0o755 });
  const pxe = ["-V", "PXEClient:Arch:00000:UNDI:002001", "-x", "0x5d:0000"];
  const once = ["-f", "-q", "-t", "3", "-T", "1", "-A", "1", "-s", script, "-i", client.clientInterface];
  const { status, output } = await client.run(["udhcpc", ...once, ...pxe], retrySeconds);
  assert.equal(status, 0, `udhcpc ${client.mac}: ${output}`);
  return readFileSync(given, "utf8").trim();
}

/** The same with dhclient. */
async function dhclient(client: BadClient, directory: string): Promise<string> {
  const file = (name: string) => join(directory, `dhclient-${name}-${client.mac}`);
  const lines = [
    "option architecture code 93 = unsigned integer 16;",
    "send architecture 0;",
    'send vendor-class-identifier "PXEClient:Arch:00000:UNDI:002001";',
    ...["initial-interval 1;", "backoff-cutoff 2;", "retry 1;", `timeout ${retrySeconds - 5};`],
  ];
  writeFileSync(file("conf"), lines.join("\n"));
  rmSync(file("leases"), { force: true });
  const files = ["-lf", file("leases"), "-pf", file("pid"), "-cf", file("conf"), "-sf", "/bin/true"];
  const { status, output } = await client.run(["dhclient", "-1", "-v", ...files, client.clientInterface], retrySeconds);
  await client.run(["dhclient", "-x", ...files, client.clientInterface], 60);
  assert.equal(status, 0, `dhclient ${client.mac}: ${output}`);
  return /fixed-address ([\d.]+);/.exec(readFileSync(file("leases"), "utf8"))?.[1] ?? "no lease";
}

await insideNamespace(import.meta.url, () => {
  test("despite lost, duplicated and reordered packets each client gets its own address, the same one twice", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "birther-bad-wire-"));
    try {
      await using wire = await layBadWire(macs, testSeed);
      const network = testNetworkOfOnePart({
        ...{ interface: wire.serverInterface, allowForeignDhcp: true },
        temporaryPool: { first: ip("10.77.0.50"), last: ip("10.77.0.99") },
      });
      await using site = await startDhcpSite([network]);
      const everybody = () =>
        Promise.all(wire.clients.map((client, index) => (index % 2 === 0 ? udhcpc : dhclient)(client, directory)));
      const startedMs = performance.now();
      const first = await everybody();
      const again = await everybody();
      t.diagnostic(`${((performance.now() - startedMs) / 1000).toFixed(1)} s for two rounds`);
      assert.deepEqual(again, first);
      assert.equal(new Set(first).size, macs.length, first.join(" "));
      const records = macs.map((mac) => site.store.byMac(macOf(mac))?.temporaryAddress);
      assert.deepEqual(first.map(ip), records, "and the records say so");
      assert.equal(site.store.list().length, macs.length);
      assert.equal(site.dhcp.networks()[0]?.pool.held, macs.length);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
