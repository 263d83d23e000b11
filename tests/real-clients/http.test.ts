import assert from "node:assert/strict";
import { test } from "node:test";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { id, mac, type Site, startSite, until } from "./site.ts";

/** A known machine that was just offered an address, reachable as the client of the wire. */
async function born(site: Site): Promise<string> {
  const address = "10.77.0.60";
  await site.store.apply({
    ...{ kind: "pxeAsked", mac: macOf(mac), firmware: "uefi", network: "rack", nursery: true },
    ...{ address: ip(address), stage: "loader", answer: "script" },
  });
  await site.wire.run(["ip", "address", "add", `${address}/24`, "dev", site.wire.clientInterface]);
  return address;
}

const curl = (site: Site, ...argv: string[]) => site.wire.run(["curl", "-sS", "-m", "60", ...argv]);

await insideNamespace(import.meta.url, () => {
  test("script, kernel and initramfs, as a machine in birth fetches them", async () => {
    await using site = await startSite();
    const address = await born(site);
    const { output: script } = await curl(site, "http://10.77.0.1/boot/52-54-00-0a-0b-0c.ipxe");
    assert.match(script, /^#!ipxe\n/);
    const kernelLine = script.split("\n").find((line) => line.startsWith("kernel ")) ?? assert.fail(script);
    const [, uri, ...parameters] = kernelLine.replace(" || goto failed", "").split(" ");
    assert.equal(uri, "http://10.77.0.1:80/vmlinuz");
    assert.match(parameters[0] ?? "", /^birther\.token=[0-9a-f]{32,}$/);
    assert.ok(parameters.some((parameter) => /^birther\.time=\d+$/.test(parameter)));
    const constant = parameters.slice(1).filter((parameter) => !parameter.startsWith("birther.time="));
    assert.deepEqual(constant, [
      ...["birther.mdb=10.77.0.1:443", `birther.mac=${mac}`, `birther.ip=${address}/24`, "birther.http=10.77.0.1:80"],
      ...["console=tty0", "console=ttyS0,115200n8", "panic=30", "watchdog.stop_on_reboot=0", "initrd=initramfs.img"],
    ]);
    assert.equal(site.store.list()[0]?.phase, "loaderSent");
    const again = await curl(site, `http://10.77.0.1/boot/${mac}.ipxe`);
    assert.notEqual(again.output, script, "every script has its own token");

    const sizes = ["-o", "/dev/null", "-w", "%{http_code} %{size_download} %{num_connects}\n"];
    const both = await curl(
      site,
      ...sizes,
      "http://10.77.0.1/vmlinuz",
      "-o",
      "/dev/null",
      "http://10.77.0.1/initramfs.img",
    );
    assert.equal(both.output, "200 300000 1\n200 500000 0\n", "one connection carries both");
    await until(site, "phase kernelSent", () => site.store.list()[0]?.phase === "kernelSent");
    assert.equal(site.store.list()[0]?.timeline.at(-1)?.detail, "kernel and initramfs");
  });

  test("a held machine shows the reason and retries", async () => {
    await using site = await startSite();
    await born(site);
    await site.store.apply({
      kind: "conditionSet",
      id: id as never,
      condition: "hold",
      reason: "fan replaced; ask Ann",
    });
    const { output } = await curl(site, "http://10.77.0.1/boot/52-54-00-0a-0b-0c.ipxe");
    assert.match(
      output,
      /^#!ipxe\necho Birther: .+\necho Next: .+\nsleep 30\nchain --replace http:\/\/10\.77\.0\.1:80\/boot\/52-54-00-0a-0b-0c\.ipxe \|\| reboot\n$/,
    );
  });

  test("ranges, HEAD, entity tags, double slashes, and refusals", async () => {
    await using site = await startSite();
    await born(site);
    const status = async (...argv: string[]) =>
      (await curl(site, "-o", "/dev/null", "-w", "%{http_code} %{size_download}", ...argv)).output;
    assert.equal(await status("http://10.77.0.1//vmlinuz"), "200 300000");
    assert.equal(await status("-r", "0-99", "http://10.77.0.1/vmlinuz"), "206 100");
    assert.equal(await status("-r", "-50", "http://10.77.0.1/vmlinuz"), "206 50");
    assert.equal(await status("-r", "300000-", "http://10.77.0.1/vmlinuz"), "416 0");
    const { output: head } = await curl(site, "-I", "http://10.77.0.1/snponly.efi");
    assert.match(head, /content-length: 97782/i);
    assert.match(head, /content-type: application\/efi/i);
    const etag = /etag: (\S+)/i.exec(head)?.[1] ?? assert.fail(head);
    assert.equal(await status("-H", `If-None-Match: ${etag}`, "http://10.77.0.1/snponly.efi"), "304 0");
    assert.equal(await status("-H", 'If-Match: "other"', "http://10.77.0.1/snponly.efi"), "412 0");
    assert.equal(await status("http://10.77.0.1/boot/52-54-00-99-99-99.ipxe"), "404 16");
    assert.equal(await status("--path-as-is", "http://10.77.0.1/../../etc/passwd"), "404 10");
    assert.equal(await status("-X", "POST", "-d", "x", "http://10.77.0.1/vmlinuz"), "405 18");
  });

  test("paths without a file go to other rooms' handlers", async () => {
    const handlers = [
      (_request: unknown, response: { end: (text: string) => unknown }, path: string) => {
        if (path !== "/objects") return false;
        response.end("objects");
        return true;
      },
    ];
    await using site = await startSite({ handlers });
    await born(site);
    assert.equal((await curl(site, "http://10.77.0.1/objects")).output, "objects");
  });

  test("a full uplink: iPXE gets its position and a retry time, others are served at once", async () => {
    // 800,000 bytes are more than 1 Mbit/s carries in four seconds: one at a time.
    await using site = await startSite({ uplinkMbps: 1 });
    const address = await born(site);
    const asIpxe = (path: string, from: string) =>
      curl(
        site,
        "-A",
        "iPXE/1.0.0+git",
        "--interface",
        from,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %header{retry-after}",
        `http://10.77.0.1${path}`,
      );
    await site.wire.run(["ip", "address", "add", "10.77.0.61/24", "dev", site.wire.clientInterface]);
    assert.equal((await asIpxe("/vmlinuz", "10.77.0.61")).output, "200 ");
    assert.equal((await asIpxe("/vmlinuz", address)).output, "503 4");
    await until(site, "the position on the record", () => site.store.list()[0]?.conditions[0]?.kind === "waiting");
    assert.equal(site.store.list()[0]?.conditions[0]?.reason, "position 1 in the uplink queue, about 4 s left");
    const { output } = await curl(site, "-o", "/dev/null", "-w", "%{http_code}", "http://10.77.0.1/initramfs.img");
    assert.equal(output, "200", "curl would not come back");
    assert.equal((await asIpxe("/initramfs.img", "10.77.0.61")).output, "200 ");
    assert.equal((await asIpxe("/vmlinuz", address)).output, "200 ");
    await until(site, "the end of waiting on the record", () => site.store.list()[0]?.conditions.length === 0);
  });
});
