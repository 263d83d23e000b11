import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
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
    const frame = (number: number) =>
      Uint8Array.of(...broadcast, 2, 0, 0, 0, 0, number, 0x88, 0xb5, ...new Uint8Array(46));
    const counted = frame(1);
    const marker = frame(2);
    // Five copies of a frame are heard on its way, and the socket's buffer holds only a few hundred.
    const batch = 20;
    const drain = (at: string) => {
      const heard = { counted: 0, markers: 0 };
      for (let next = packets.receive(); next !== undefined; next = packets.receive()) {
        if (next.interfaceIndex === interfaceIndex(at)) heard[next.frame[11] === 2 ? "markers" : "counted"] += 1;
      }
      return heard;
    };
    /** Sends the frames; returns how many arrived: those that follow late count until the expected number is there. */
    const arrived = async (from: string, at: string, expected?: number) => {
      let count = 0;
      for (let i = 0; i < sent; i += batch) {
        for (let j = 0; j < batch; j++) packets.send(interfaceIndex(from), counted);
        // A busy kernel forwards late, so that more frames could come at once than the buffer holds: a marker that
        // arrives says that those before it are through.
        for (let through = false; !through; ) {
          packets.send(interfaceIndex(from), marker);
          await setTimeout(0);
          const heard = drain(at);
          count += heard.counted;
          through = heard.markers > 0;
        }
      }
      // A frame can overtake another on another processor.
      await setTimeout(100);
      count += drain(at).counted;
      for (const endMs = performance.now() + 60_000; count < (expected ?? 0) && performance.now() < endMs; ) {
        await setTimeout(10);
        count += drain(at).counted;
      }
      return count;
    };
    for (const [from, at] of [
      ["lossy-end", "sound-end"],
      ["sound-end", "lossy-end"],
    ] as const) {
      const count = await arrived(from, at);
      // Twelve standard deviations: a probability of 10⁻³³.
      assert.ok(Math.abs(count - sent / 2) < 190, `${from} → ${at}: ${count} of ${sent}`);
    }
    assert.equal(await arrived("sound-end", "rack0", sent), sent);
  });
});
