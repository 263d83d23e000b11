/**
 * A bad switch, run where its ports end: `bad-switch.ts SEED PORT…`. IPv4 and ARP frames that come in by one port go out by
 * all others; 30 % are lost on each way, 20 % come twice, and each is late by up to 60 ms, so that they overtake one another. The kernel's
 * own means for this (sch_netem) is not in every kernel.
 */
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";
import { carryBadly } from "../support/bad-wire-chance.ts";
import { chanceOf } from "../support/chance.ts";

const [seed = "1", ...names] = process.argv.slice(2);
const badness = { lossPercent: 30, twicePercent: 20, latestMs: 60 };
const lookEveryMs = 5;
const etherTypes = [0x0800, 0x0806];
const chance = chanceOf(Number(seed));

const ports = names.map(interfaceIndex);
// By type, not all frames: then the kernel does not show us those that we send.
const sockets = etherTypes.map((type) => openPacketSocket(type, Uint8Array.of(255, 255, 255, 255, 255, 255), ports));
setInterval(() => {
  for (const packets of sockets) {
    for (let received = packets.receive(); received !== undefined; received = packets.receive()) {
      const { interfaceIndex: from, frame } = received;
      if (!ports.includes(from)) continue;
      for (const port of ports) if (port !== from) carryBadly(chance, badness, () => packets.send(port, frame));
    }
  }
}, lookEveryMs);
process.stdout.write("ready\n");
