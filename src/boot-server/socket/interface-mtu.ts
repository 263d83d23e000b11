import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

const ethernetMtuBytes = 1500;

/** The MTU of the interface with one of our addresses; Ethernet's if it cannot be read. */
export function mtuOfAddress(address: string): number {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    if (!entries.some((entry) => entry.address === address)) continue;
    try {
      return Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
    } catch {
      // A namespace without its own /sys shows other interfaces, or none.
      return ethernetMtuBytes;
    }
  }
  return ethernetMtuBytes;
}
