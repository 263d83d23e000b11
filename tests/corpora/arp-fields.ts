import type { ArpMessage } from "../../src/core/net/arp.ts";
import { formatIpv4 } from "../../src/core/net/ipv4.ts";
import type { Fields, Reading } from "./compare.ts";
import type { Dissection } from "./tshark.ts";

/** Every field that `arpByTshark` reads. */
export const arpFields = [
  ...(["arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "arp.dst.proto_ipv4"] as const),
] as const;

/** What tshark reads; undefined if it is no request or reply of IPv4 over Ethernet. */
export function arpByTshark(of: Dissection<(typeof arpFields)[number]>): Fields | undefined {
  const [operation, senderMac, senderAddress, targetMac, targetAddress] = arpFields.map((name) => of(name)[0]);
  if (targetMac === undefined || senderMac === undefined || senderAddress === undefined) return undefined;
  if (targetAddress === undefined || (operation !== "1" && operation !== "2")) return undefined;
  return { operation: operation === "1" ? "request" : "reply", senderMac, senderAddress, targetAddress };
}

/** What our decoder reads. */
export function arpByUs(message: ArpMessage | undefined): Reading {
  if (message === undefined) return { kind: "refused", why: "no ARP for IPv4 over Ethernet" };
  const { operation, senderMac, senderAddress, targetAddress } = message;
  const addresses = { senderAddress: formatIpv4(senderAddress), targetAddress: formatIpv4(targetAddress) };
  return { kind: "read", fields: { operation, senderMac, ...addresses } };
}
