import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { neighboursIn } from "../../core/net/arp-table.ts";

/** The port that discards datagrams: sending one only makes the kernel ask for the address by ARP. */
const discardPort = 9;
const looks = 10;
const lookMs = 50;
const noMac = "00:00:00:00:00:00";

/** The MAC address of the host at an IPv4 address on one of our wires, as ARP has it within half a second. */
export async function neighbourAt(address: string): Promise<string | undefined> {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve) => {
      socket.on("error", () => resolve());
      socket.send(new Uint8Array(), discardPort, address, () => resolve());
    });
    for (let look = 0; look < looks; look += 1) {
      await wait(lookMs, undefined, { ref: false });
      const found = neighboursIn(await readFile("/proc/net/arp", "utf8"), address).find(({ mac }) => mac !== noMac);
      if (found !== undefined) return found.mac;
    }
    return undefined;
  } finally {
    socket.close();
  }
}
