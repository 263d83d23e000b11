import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { errorCode } from "../../core/error-code.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { missingOnHost, ownAddresses } from "../../core/network/host-network.ts";
import type { Network } from "../../core/network/network.ts";

/**
 * Throws an error with the commands to run when this computer lacks an interface or address that the networks need.
 */
export async function checkInterfaces(networks: readonly Network[]): Promise<void> {
  const addresses = new Set<Ipv4>();
  for (const { address } of networks.flatMap(ownAddresses)) if (await isOurs(address)) addresses.add(address);
  const faults = missingOnHost(networks, { interfaces: interfaceNames(), addresses });
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/**
 * Lines "Inter-|…" and " face |…", then one line per interface. Unlike /sys/class/net, this file shows our own network
 * namespace.
 */
function interfaceNames(): ReadonlySet<string> {
  const lines = readFileSync("/proc/net/dev", "utf8").split("\n");
  return new Set(lines.map((line) => line.split(":")[0]?.trim() ?? ""));
}

/**
 * Tries to bind, because os.networkInterfaces() omits interfaces without carrier, and the rack may be switched on after
 * us.
 */
async function isOurs(address: Ipv4): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(0, formatIpv4(address));
    await once(probe, "listening");
    return true;
  } catch (error) {
    if (errorCode(error) === "EADDRNOTAVAIL") return false;
    throw error;
  } finally {
    probe.close();
  }
}
