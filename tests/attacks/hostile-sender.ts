/**
 * Sends mutated frames on an interface until its standard input ends: `hostile-sender.ts lldp|dhcp INTERFACE MAC SEED`. Prints a line
 * when it has begun, and at the end how many it sent.
 */

import { readServerFrame } from "../../src/core/dhcp/client-frame.ts";
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";
import { mutate } from "../fuzz/mutate.ts";
import { below, chanceOf } from "../support/chance.ts";
import { dhcpReplies, lldpFrames, trueSwitch, withXid } from "./hostile-frames.ts";

const [what = "", device = "", mac = "", seed = "1"] = process.argv.slice(2);
const chance = chanceOf(Number(seed));
const index = interfaceIndex(device);
using socket = openPacketSocket(0x0800, new Uint8Array(6), []);
let isAsked = true;
process.stdin.resume().once("end", () => {
  isAsked = false;
});
const seeds = what === "lldp" ? lldpFrames : dhcpReplies(mac);
const perTurn = 50;
let xid = new Uint8Array(4);
let sent = 0;

/** The transaction id of what the machine asked last. */
function listen(): void {
  for (let got = socket.receive(); got !== undefined; got = socket.receive())
    if (got.frame[36] === 0 && got.frame[37] === 67 && readServerFrame(got.frame) === undefined)
      xid = got.frame.slice(46, 50);
}

while (isAsked) {
  listen();
  for (let n = 0; n < perTurn; n += 1) {
    // The head of the frame and, every second time, the transaction stay whole: otherwise nothing would be read.
    const frame = mutate(seeds, chance);
    const head = seeds[0]?.slice(0, 14) ?? new Uint8Array();
    if (frame.length > 14) frame.set(head);
    socket.send(index, what === "dhcp" && below(chance, 2) === 0 ? withXid(frame, xid) : frame);
    sent += 1;
  }
  if (what === "lldp") socket.send(index, trueSwitch);
  if (sent === perTurn) process.stdout.write("begun\n");
  await new Promise((resolve) => setTimeout(resolve, 2));
}
process.stdout.write(`${JSON.stringify({ sent })}\n`);
