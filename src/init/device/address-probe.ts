import * as host from "host";
import { uint32At } from "../../core/bytes/big-endian.ts";
import { clientFrame, declineMessage, ipv4EtherType } from "../../core/dhcp/client-frame.ts";
import type { Nic } from "../../core/hardware/hardware.ts";
import { arpEtherType, conflictIn, readArp, writeArpProbe } from "../../core/net/arp.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { withPacketSocket } from "./packet-socket.ts";

/** A host on the same wire answers within milliseconds; three questions, because a frame may be lost. */
const probes = 3;
const probeMs = 300;

/**
 * Asks on a NIC's wire whether another host uses an address, by ARP (RFC 5227 §2.1). Returns its MAC address, or
 * undefined after about a second without an answer. Needs no address of our own.
 */
export function hostAt(nic: string, mac: Mac, address: Ipv4): Mac | undefined {
  return withPacketSocket(nic, arpEtherType, (socket) => {
    for (let probe = 0; probe < probes; probe += 1) {
      socket.send(writeArpProbe(mac, address));
      const endMs = host.monotonicMs() + probeMs;
      for (let nowMs = host.monotonicMs(); nowMs < endMs; nowMs = host.monotonicMs()) {
        const frame = socket.receive(endMs - nowMs);
        const message = frame === undefined ? undefined : readArp(frame);
        const other = message === undefined ? undefined : conflictIn(message, { mac, address });
        if (other !== undefined) return other;
      }
    }
    return undefined;
  });
}

/**
 * Looks for another host at the address of a lease before it is used (RFC 2131 §4.4.1). Declines the lease and throws if
 * there is one: the next request gets another address.
 */
export function checkUnused(
  { name, mac }: Pick<Nic, "name" | "mac">,
  { address, leasedBy }: { readonly address: Ipv4; readonly leasedBy: Ipv4 },
): void {
  const other = hostAt(name, mac, address);
  if (other === undefined) return;
  const xid = uint32At(new Uint8Array(host.randomBytes(4)), 0);
  const decline = declineMessage(mac, xid, { address, server: leasedBy });
  withPacketSocket(name, ipv4EtherType, (socket) => {
    socket.send(clientFrame(mac, decline));
  });
  throw new Error(`expected ${formatIpv4(address)} to be free, found another host with the MAC ${other} there`);
}
