import assert from "node:assert/strict";
import { test } from "node:test";
import { bridgeCommands, runStep } from "../../src/lab/bridge.ts";
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const ip = (text: string) => ({ argv: ["ip", ...text.split(" ")] });
// IEEE 802 "local experimental", which nothing else uses.
const etherType = 0x88b5;
const broadcast = Uint8Array.of(255, 255, 255, 255, 255, 255);

await insideNamespace(import.meta.url, () => {
  test("a port with 50 % loss loses about half in each direction; the switch's other port nothing", async () => {
    const ports = [
      { tap: "lossy", lossPercent: 50 },
      { tap: "sound", lossPercent: 0 },
    ];
    const bridge = { name: "rack0", mac: "02:00:5e:b1:00:01", addresses: [], ports };
    // Virtual cables with an accessible end, instead of taps that wait for a QEMU.
    await runStep([
      ...ports.map(({ tap }) => ip(`link add ${tap} type veth peer name ${tap}-end`)),
      ...bridgeCommands(bridge).filter(({ argv }) => !argv.includes("tuntap")),
      ...ports.map(({ tap }) => ip(`link set ${tap}-end up`)),
    ]);
    using packets = openPacketSocket(etherType, broadcast, []);
    const sent = 1000;
    const experimental = Uint8Array.of(...broadcast, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, ...new Uint8Array(46));
    const drain = (at: string) => {
      let count = 0;
      for (let frame = packets.receive(); frame !== undefined; frame = packets.receive()) {
        if (frame.interfaceIndex === interfaceIndex(at)) count += 1;
      }
      return count;
    };
    const arrived = async (from: string, at: string) => {
      let count = 0;
      for (let i = 0; i < sent; i++) {
        packets.send(interfaceIndex(from), experimental);
        // Read along the way, because the socket's buffer holds only a few hundred frames.
        count += drain(at);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      return count + drain(at);
    };
    for (const [from, at] of [
      ["lossy-end", "sound-end"],
      ["sound-end", "lossy-end"],
    ] as const) {
      const count = await arrived(from, at);
      // Twelve standard deviations: a probability of 10⁻³³.
      assert.ok(Math.abs(count - sent / 2) < 190, `${from} → ${at}: ${count} of ${sent}`);
    }
    assert.equal(await arrived("sound-end", "rack0"), sent);
  });
});
