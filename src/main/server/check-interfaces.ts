import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Config } from "../../contract/config/schema.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { permanentPart } from "../../core/network/network.ts";

/**
 * Throws an error with the commands to run when this computer lacks an interface or address that the configuration
 * names.
 */
export async function checkInterfaces(config: Config): Promise<void> {
  const faults: string[] = [];
  // Lines "Inter-|…" and " face |…", then one line per interface. Unlike /sys/class/net, this file shows our own
  // network namespace.
  const devices = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .map((line) => line.split(":")[0]?.trim());
  for (const network of config.networks) {
    const { name, interface: device } = network;
    if (device !== undefined && !devices.includes(device)) {
      faults.push(`network ${name}: expected an interface ${device}, found none; run ip link to list the interfaces`);
      continue;
    }
    const permanent = permanentPart(network);
    const wanted = new Map([
      [formatIpv4(network.serverAddress), network.prefix.length],
      [formatIpv4(permanent.serverAddress), permanent.prefix.length],
    ]);
    for (const [address, length] of wanted) {
      if (await isOurs(address)) continue;
      const remedy =
        device === undefined
          ? "choose an address that ip addr lists"
          : `ip addr add ${address}/${length} dev ${device}`;
      faults.push(`network ${name}: expected ${address} on this computer, found no such address; ${remedy}`);
    }
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/**
 * Tries to bind, because os.networkInterfaces() omits interfaces without carrier, and the rack may be switched on after
 * us.
 */
async function isOurs(address: string): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(0, address);
    await once(probe, "listening");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRNOTAVAIL") return false;
    throw error;
  } finally {
    probe.close();
  }
}
