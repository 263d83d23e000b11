import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import type { Network } from "./network.ts";

/**
 * What to tell an operator when the other DHCP server of a network in proxy mode would strand machines under Secure Boot: Debian's signed GRUB knows no
 * ProxyDHCP and fetches from the next-server (siaddr) of the lease. Undefined when all is well. `ours` are our addresses.
 */
export function strandedByNextServer(
  network: Network,
  siaddr: Ipv4,
  ours: ReadonlySet<Ipv4>,
): { readonly message: string; readonly next: string } | undefined {
  if (network.mode !== "proxy" || !network.secureBoot || ours.has(siaddr)) return undefined;
  const us = formatIpv4(network.serverAddress);
  return {
    message: `PXE under Secure Boot would stop in GRUB: the other DHCP server's offers name the next-server ${formatIpv4(siaddr)}, not us`,
    next: `set its next-server to ${us} (dnsmasq: --dhcp-boot=,,${us}), or have the machines start by UEFI HTTP boot`,
  };
}
