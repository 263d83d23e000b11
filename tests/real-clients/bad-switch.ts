/**
 * A bad switch, run in the namespace of its ports: `bad-switch.ts SEED PORT…`. IPv4 and ARP frames received by one port
 * leave by all others; 30 % are lost in each direction, 20 % are duplicated, and each is delayed by up to 60 ms, so
 * that they overtake one another. The kernel's own means for this (sch_netem) is not in every kernel.
 */
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";
import { openBadWire } from "../support/bad-wire-chance.ts";
import { chanceOf } from "../support/chance.ts";

const [seed = "1", ...names] = process.argv.slice(2);
const badness = { lossPercent: 30, twicePercent: 20, latestMs: 60 };
const lookEveryMs = 5;
const etherTypes = [0x0800, 0x0806];
const carry = openBadWire(chanceOf(Number(seed)), badness);

const ports = names.map(interfaceIndex);
// By type instead of all frames, so that the kernel does not return our own.
const sockets = etherTypes.map((type) => openPacketSocket(type, Uint8Array.of(255, 255, 255, 255, 255, 255), ports));
setInterval(() => {
  for (const packets of sockets) {
    for (let received = packets.receive(); received !== undefined; received = packets.receive()) {
      const { interfaceIndex: from, frame } = received;
      if (!ports.includes(from)) continue;
      for (const port of ports) if (port !== from) carry(() => packets.send(port, frame));
    }
  }
}, lookEveryMs);
process.stdout.write("ready\n");
