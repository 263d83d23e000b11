import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { clientMac, type DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { answerLine } from "../../src/lab/control-socket.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { openPacketSocket } from "../../src/lab/packet-socket.ts";
import { startRack } from "../../src/lab/rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";

const ethernetAndIpBytes = 14 + 20;

await insideNamespace(import.meta.url, () => {
  test("SeaBIOS with iPXE and OVMF's own PXE send requests; a reset makes them send again", async () => {
    const directory = await mkdtemp(join(tmpdir(), "birther-rack-"));
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    await using rack = await startRack({
      machines: [machineSpec(1), machineSpec(2, { firmware: "uefi" })],
      bridge: { name: "rack0", addresses: ["10.77.0.1/24"] },
      switchName: "tor-1",
      directory,
      log: () => {},
    });
    using ipv4 = openPacketSocket(0x0800, Uint8Array.of(255, 255, 255, 255, 255, 255), []);
    const asked: DhcpPacket[] = [];
    const received = () => {
      for (let packet = ipv4.receive(); packet !== undefined; packet = ipv4.receive()) {
        const udp = packet.frame.subarray(ethernetAndIpBytes);
        if (udp[1] !== 68 || udp[3] !== 67) continue;
        const reading = readDhcp(udp.subarray(8));
        if (reading.kind === "packet") asked.push(reading.packet);
      }
    };
    const nextAsk = (of: string) =>
      waitFor(`a DHCPDISCOVER of ${of}`, 400, () => {
        received();
        const at = asked.findIndex((packet) => clientMac(packet) === of);
        return at < 0 ? undefined : asked.splice(at, 1)[0];
      });

    const [bios, uefi] = rack.machines;
    assert.ok(bios && uefi);
    assert.equal(bios.power(), "off");
    await Promise.all(rack.machines.map((machine) => machine.powerOn()));
    assert.match((await nextAsk(bios.mac)).options.vendorClassIdentifier ?? "", /^PXEClient:Arch:00000/);
    assert.match((await nextAsk(uefi.mac)).options.vendorClassIdentifier ?? "", /^PXEClient:Arch:00007/);

    const events: string[] = [];
    bios.watch(({ event }) => events.push(event));
    const answer = await answerLine(rack, JSON.stringify({ verb: "reset", machine: bios.mac }));
    assert.equal(answer.kind, "done");
    assert.ok(events.includes("RESET"));
    // Those from before the reset may still wait in the socket.
    received();
    asked.length = 0;
    await nextAsk(bios.mac);
    const log = await readFile(bios.consoleLogPath, "utf8");
    assert.match(log, /iPXE/, "the ROM uses the serial console");
    assert.match(log, /\[lab\] power on at [\s\S]*\[lab\] reset at /, "the log survives a reset");

    await uefi.pause();
    await waitFor("the paused state", 60, () => (uefi.power() === "paused" ? true : undefined));
    await uefi.resume();
    await uefi.powerOff();
    assert.equal(uefi.power(), "off");
    await bios.kill();
    assert.equal(bios.power(), "off");
    const startsOf = async () => (await readFile(bios.consoleLogPath, "utf8")).match(/\[lab\] power on/g)?.length;
    assert.equal(await startsOf(), 1);
    await Promise.all([bios.powerOn(), bios.powerOn(), bios.kill()]);
    assert.deepEqual([bios.power(), await startsOf()], ["off", 2], "one start, and then the power cut");
    const refused = await answerLine(rack, JSON.stringify({ verb: "reset", machine: "machine-1" }));
    assert.deepEqual(
      refused.kind === "refused" && refused.message,
      "cannot reset machine-1: expected it to be on, found it off; use power-on first",
    );
    assert.equal((await answerLine(rack, '{"verb":"dance"}')).kind, "refused");
  });
});
