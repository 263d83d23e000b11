/**
 * A bad switch, run where its ports end: `bad-switch.ts SEED PORT…`. IPv4 and ARP frames that come in by one port go out by
 * all others; 30 % are lost on each way, 20 % come twice, and each is late by up to 60 ms, so that they overtake one another. The kernel's
 * own means for this (sch_netem) is not in every kernel.
 */
import { interfaceIndex, openPacketSocket, type PacketSocket } from "../../src/lab/packet-socket.ts";

const [seed = "1", ...names] = process.argv.slice(2);
const lossPercent = 30;
const twicePercent = 20;
const latestMs = 60;
const lookEveryMs = 5;
const etherTypes = [0x0800, 0x0806];
let state = Number(seed);

function chance(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function carry(packets: PacketSocket, port: number, frame: Uint8Array): void {
  if (chance(100) < lossPercent) return;
  const copies = chance(100) < twicePercent ? 2 : 1;
  for (let copy = 0; copy < copies; copy += 1) setTimeout(() => packets.send(port, frame), chance(latestMs));
}

const ports = names.map(interfaceIndex);
// By type, not all frames: then the kernel does not show us those that we send.
const sockets = etherTypes.map((type) => openPacketSocket(type, Uint8Array.of(255, 255, 255, 255, 255, 255), ports));
setInterval(() => {
  for (const packets of sockets) {
    for (let received = packets.receive(); received !== undefined; received = packets.receive()) {
      const { interfaceIndex: from, frame } = received;
      if (!ports.includes(from)) continue;
      for (const port of ports) if (port !== from) carry(packets, port, frame);
    }
  }
}, lookEveryMs);
process.stdout.write("ready\n");
