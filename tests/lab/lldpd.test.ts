import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { lldpEtherType, lldpGroup } from "../../src/core/lldp/lldpdu.ts";
import { readLldp } from "../../src/core/lldp/read.ts";
import { macToBytes } from "../../src/core/net/mac.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import { startAnnouncer } from "../../src/lab/announcer.ts";
import { runStep } from "../../src/lab/bridge.ts";
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";

const run = promisify(execFile);
const ip = (text: string) => ({ argv: ["ip", ...text.split(" ")] });

await insideNamespace(import.meta.url, () => {
  test("it knows our switch and port, and we read its frames", async () => {
    const directory = await mkdtemp(join(tmpdir(), "birther-lldpd-"));
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    // lldpd and lldpcli drop root for their own user, who must reach the socket.
    await chmod(directory, 0o755);
    const socket = join(directory, "lldpd.sock");
    await runStep([ip("link add tap1 type veth peer name eth9"), ip("link set tap1 up"), ip("link set eth9 up")]);
    const identity = { systemName: "tor-1", chassis: macOf("02:00:5e:b1:00:01") };
    using _announcer = startAnnouncer(
      identity,
      [{ tap: "tap1", port: "swp7", announcement: { kind: "announced" } }],
      () => {},
    );
    using heard = openPacketSocket(lldpEtherType, macToBytes(lldpGroup), [interfaceIndex("tap1")]);

    const lldpd = spawn("lldpd", ["-d", "-u", socket, "-I", "eth9", "-C", "eth9", "-S", "a test machine"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    lldpd.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await using _lldpd = {
      [Symbol.asyncDispose]: async () => {
        const closed = new Promise((resolve) => lldpd.once("close", resolve));
        lldpd.kill();
        await closed;
      },
    };

    const neighbours = await waitFor("lldpd to know its neighbour", 120, async () => {
      const asked = await run("lldpcli", ["-u", socket, "-f", "json", "show", "neighbors"]).catch(() => undefined);
      return asked?.stdout.includes("tor-1") ? asked.stdout : undefined;
    }).catch((cause) => {
      throw new Error(said.slice(-3000), { cause });
    });
    const { lldp } = JSON.parse(neighbours) as {
      lldp: { interface: { eth9: { chassis: unknown; port: { id: unknown } } } };
    };
    assert.deepEqual(lldp.interface.eth9.port.id, { type: "ifname", value: "swp7" });
    assert.ok("tor-1" in (lldp.interface.eth9.chassis as object));

    const reading = await waitFor("a frame of lldpd", 120, () => {
      const received = heard.receive();
      return received?.interfaceIndex === interfaceIndex("tap1") ? readLldp(received.frame) : undefined;
    });
    assert.equal(reading.kind, "lldpdu");
    // lldpd names a Linux port by its MAC and describes it by the interface's name.
    assert.equal(reading.lldpdu.port.kind, "mac");
    assert.equal(reading.lldpdu.portDescription, "eth9");
  });
});
