import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import { type Network, signatureFor } from "./network.ts";

/**
 * The warning for a network in proxy mode whose other DHCP server would strand machines under Secure Boot: Debian's signed
 * GRUB does not support ProxyDHCP and fetches from the next-server (siaddr) of the lease. Undefined if the lease is right.
 * `ours` are the server's addresses.
 */
export function strandedByNextServer(
  network: Network,
  siaddr: Ipv4,
  ours: ReadonlySet<Ipv4>,
): { readonly message: string; readonly next: string } | undefined {
  if (network.mode !== "proxy" || signatureFor(network) !== "debian" || ours.has(siaddr)) return undefined;
  const us = formatIpv4(network.serverAddress);
  return {
    message: `PXE under Secure Boot would stop in GRUB: expected the next-server ${us} in the offers of the other DHCP server, found ${formatIpv4(siaddr)}`,
    next: `set its next-server to ${us} (dnsmasq: --dhcp-boot=,,${us}), or use UEFI HTTP boot for the machines`,
  };
}
