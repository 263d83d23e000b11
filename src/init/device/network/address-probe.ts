import * as host from "host";
import { uint32At } from "../../../core/bytes/big-endian.ts";
import { clientFrame, declineMessage, ipv4EtherType } from "../../../core/dhcp/client-frame.ts";
import type { Nic } from "../../../core/hardware/hardware.ts";
import { arpEtherType, conflictIn, readArp, writeArpProbe } from "../../../core/net/arp.ts";
import { formatIpv4, type Ipv4 } from "../../../core/net/ipv4.ts";
import type { Ipv6 } from "../../../core/net/ipv6.ts";
import type { Mac } from "../../../core/net/mac.ts";
import {
  ipv6ConflictIn,
  ipv6EtherType,
  readNeighbourMessage,
  writeNeighbourProbe,
} from "../../../core/net/neighbour-discovery.ts";
import { withVlanTag } from "../../../core/net/vlan-tag.ts";
import { withPacketSocket } from "./packet-socket.ts";

/** A host on the same wire answers within milliseconds; three questions, because a frame may be lost. */
const probes = 3;
const probeMs = 300;

/** The wire that is asked: a NIC, or a VLAN on it. */
export type ProbedWire = { readonly nic: string; readonly mac: Mac; readonly vlan?: number };

/**
 * Asks on a wire whether another host uses an address, by ARP (RFC 5227 §2.1). Returns its MAC address, or undefined
 * after about a second without an answer. Needs no address of our own. The kernel removes the tags of what it receives,
 * so an answer in a VLAN needs no interface there.
 */
export function hostAt({ nic, mac, vlan }: ProbedWire, address: Ipv4): Mac | undefined {
  const question = { etherType: arpEtherType, frame: withVlanTag(writeArpProbe(mac, address), vlan) };
  return ask(nic, question, (frame) => {
    const message = readArp(frame);
    return message && conflictIn(message, { mac, address });
  });
}

/** The same for an IPv6 address, by the Neighbour Solicitation of Duplicate Address Detection (RFC 4862 §5.4). */
export function ipv6HostAt({ nic, mac, vlan }: ProbedWire, address: Ipv6): Mac | undefined {
  const question = { etherType: ipv6EtherType, frame: withVlanTag(writeNeighbourProbe(mac, address), vlan) };
  return ask(nic, question, (frame) => {
    const message = readNeighbourMessage(frame);
    return message && ipv6ConflictIn(message, { mac, address });
  });
}

function ask(
  nic: string,
  { etherType, frame }: { readonly etherType: number; readonly frame: Uint8Array },
  read: (frame: Uint8Array) => Mac | undefined,
): Mac | undefined {
  return withPacketSocket(nic, etherType, (socket) => {
    for (let probe = 0; probe < probes; probe += 1) {
      socket.send(frame);
      const endMs = host.monotonicMs() + probeMs;
      for (let nowMs = host.monotonicMs(); nowMs < endMs; nowMs = host.monotonicMs()) {
        const answer = socket.receive(endMs - nowMs);
        const other = answer === undefined ? undefined : read(answer);
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
  const other = hostAt({ nic: name, mac }, address);
  if (other === undefined) return;
  const xid = uint32At(new Uint8Array(host.randomBytes(4)), 0);
  const decline = declineMessage(mac, xid, { address, server: leasedBy });
  withPacketSocket(name, ipv4EtherType, (socket) => {
    socket.send(clientFrame(mac, decline));
  });
  throw new Error(`expected ${formatIpv4(address)} to be free, found another host with the MAC ${other} there`);
}
