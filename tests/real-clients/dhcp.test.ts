import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { id, mac, startSite, until } from "./site.ts";
import { asPxe, isAnswered, udhcpc } from "./udhcpc.ts";

await insideNamespace(import.meta.url, () => {
  test("udhcpc as a PXE client on a nursery: born, with a temporary address, the loader, and counted", async () => {
    await using site = await startSite();
    const { status, given } = await udhcpc(site.wire, asPxe);
    assert.equal(status, 0, site.lines.join("\n"));
    const machine = site.store.list()[0] ?? assert.fail("no record");
    assert.deepEqual([machine.id, machine.state, machine.phase, machine.firmware], [id, "birth", "offered", "bios"]);
    assert.equal(ip(given.get("ip") ?? ""), machine.temporaryAddress);
    assert.equal(given.get("boot_file"), "undionly.kpxe");
    assert.equal(given.get("siaddr"), "10.77.0.1");
    assert.equal(given.get("subnet"), "255.255.255.0");
    assert.equal(given.get("router"), undefined);
    const second = await udhcpc(site.wire, asPxe);
    assert.equal(second.given.get("ip"), given.get("ip"));
    // Requests after the first contained nothing new: they are counted, and written when the server ends.
    await site.endServer();
    const { requests, responses } = site.store.list()[0]?.pxe ?? assert.fail();
    assert.deepEqual([requests, responses], [4, 4]);
  });

  test("udhcpc as a PXE client elsewhere: recorded, and sent to its disk by a boot menu", async () => {
    await using site = await startSite({ nursery: false });
    const { status, given } = await udhcpc(site.wire, asPxe);
    assert.equal(status, 0, site.lines.join("\n"));
    assert.equal(given.get("boot_file"), undefined);
    const machine = site.store.list()[0] ?? assert.fail("no record");
    assert.deepEqual(
      [machine.state, machine.pxe.lastAnswer, machine.temporaryAddress],
      ["unknown", "local: localBootMenu", undefined],
    );
  });

  test("udhcpc as a plain client without a record: no answer", async () => {
    await using site = await startSite();
    assert.equal(await isAnswered(site.wire, []), false);
    await until(site, "its request in the log", () => site.lines.some((line) => line.includes("unknownClient")));
    assert.deepEqual(site.store.list(), []);
  });

  test("dhclient on a machine in birth: its one address", async () => {
    await using site = await startSite();
    await udhcpc(site.wire, asPxe);
    const directory = mkdtempSync(join(tmpdir(), "birther-dhclient-"));
    try {
      const files = [
        "-lf",
        join(directory, "leases"),
        "-pf",
        join(directory, "pid"),
        "-sf",
        "/bin/true",
        "-cf",
        "/dev/null",
      ];
      await site.wire.run(["dhclient", "-1", "-v", ...files, site.wire.clientInterface]);
      await site.wire.run(["dhclient", "-x", ...files, site.wire.clientInterface]);
      const lease = readFileSync(join(directory, "leases"), "utf8");
      const [, fixed = ""] = /fixed-address (.*);/.exec(lease) ?? [];
      assert.equal(ip(fixed), site.store.list()[0]?.temporaryAddress);
      assert.match(lease, /dhcp-server-identifier 10\.77\.0\.1;/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("packets that are not DHCP do no harm", async () => {
    await using site = await startSite();
    await site.wire.run(["ip", "address", "add", "10.77.0.9/24", "dev", site.wire.clientInterface]);
    await site.wire.run(["bash", "-c", "head -c 200 /dev/zero > /dev/udp/10.77.0.1/67"]);
    await until(site, "a malformed packet in the log", () => site.lines.some((line) => line.includes("tooShort")));
    await site.wire.run(["ip", "address", "flush", "dev", site.wire.clientInterface]);
    assert.equal((await udhcpc(site.wire, asPxe)).status, 0);
    assert.equal(site.store.list()[0]?.macs[0], mac);
  });
});
