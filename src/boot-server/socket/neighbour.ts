import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/** The port that discards datagrams: sending one only makes the kernel ask for the address by ARP. */
const discardPort = 9;
const looks = 10;
const lookMs = 50;

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
      const mac = macIn(await readFile("/proc/net/arp", "utf8"), address);
      if (mac !== undefined) return mac;
    }
    return undefined;
  } finally {
    socket.close();
  }
}

/** Reads /proc/net/arp: a title line, then lines `ADDRESS TYPE FLAGS MAC MASK DEVICE`. */
export function macIn(table: string, address: string): string | undefined {
  for (const line of table.split("\n")) {
    const [of, , , mac] = line.split(/\s+/);
    if (of === address && mac !== undefined && mac !== "00:00:00:00:00:00") return mac;
  }
  return undefined;
}
