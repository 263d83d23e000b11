import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

const ethernetMtuBytes = 1500;

/** The MTU of the interface that has an address of ours; Ethernet's where that cannot be read. */
export function mtuOfAddress(address: string): number {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    if (!entries.some((entry) => entry.address === address)) continue;
    try {
      return Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
    } catch {
      // A namespace without its own /sys shows other interfaces there, or none.
      return ethernetMtuBytes;
    }
  }
  return ethernetMtuBytes;
}
