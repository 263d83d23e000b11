import { uint8At, uint16At, uint32At } from "../bytes/big-endian.ts";
import { builtBytes, createBuilder, padTo, putBytes, putUnsigned } from "../bytes/builder.ts";
import type { Ipv4 } from "./ipv4.ts";
import { noAddress } from "./ipv4.ts";
import { type Mac, macFromBytes, macToBytes } from "./mac.ts";

/** The Ethernet type of ARP. */
export const arpEtherType = 0x0806;

const ethernetBytes = 14;
const messageBytes = 28;
/** Shortest Ethernet frame, without its checksum. */
const frameBytes = 60;
const ethernetHardware = 1;
const ipv4Protocol = 0x0800;
const operations = { request: 1, reply: 2 } as const;

/** A message of ARP for IPv4 over Ethernet (RFC 826). A probe has no sender address (RFC 5227 §1.1). */
export type ArpMessage = {
  readonly operation: keyof typeof operations;
  readonly senderMac: Mac;
  readonly senderAddress: Ipv4;
  readonly targetAddress: Ipv4;
};

/** The whole Ethernet frame that asks everybody on a wire whether they use an address, without claiming it. */
export function writeArpProbe(sender: Mac, address: Ipv4): Uint8Array {
  return writeArp(
    { operation: "request", senderMac: sender, senderAddress: noAddress, targetAddress: address },
    { to: new Uint8Array(6).fill(255), targetMac: new Uint8Array(6) },
  );
}

/** The whole Ethernet frame in which a host answers a request of another one. */
export function writeArpReply(sender: { readonly mac: Mac; readonly address: Ipv4 }, request: ArpMessage): Uint8Array {
  const to = macToBytes(request.senderMac);
  return writeArp(
    {
      operation: "reply",
      senderMac: sender.mac,
      senderAddress: sender.address,
      targetAddress: request.senderAddress,
    },
    { to, targetMac: to },
  );
}

function writeArp(message: ArpMessage, { to, targetMac }: { to: Uint8Array; targetMac: Uint8Array }): Uint8Array {
  const frame = createBuilder();
  putBytes(frame, to);
  putBytes(frame, macToBytes(message.senderMac));
  putUnsigned(frame, arpEtherType, 2);
  putUnsigned(frame, ethernetHardware, 2);
  putUnsigned(frame, ipv4Protocol, 2);
  putBytes(frame, Uint8Array.of(6, 4));
  putUnsigned(frame, operations[message.operation], 2);
  putBytes(frame, macToBytes(message.senderMac));
  putUnsigned(frame, message.senderAddress, 4);
  putBytes(frame, targetMac);
  putUnsigned(frame, message.targetAddress, 4);
  padTo(frame, frameBytes);
  return builtBytes(frame);
}

/** Reads an Ethernet frame; undefined if it is not ARP for IPv4 over Ethernet. Never throws. */
export function readArp(frame: Uint8Array): ArpMessage | undefined {
  if (frame.length < ethernetBytes + messageBytes || uint16At(frame, 12) !== arpEtherType) return undefined;
  const arp = frame.subarray(ethernetBytes);
  if (uint16At(arp, 0) !== ethernetHardware || uint16At(arp, 2) !== ipv4Protocol) return undefined;
  if (uint8At(arp, 4) !== 6 || uint8At(arp, 5) !== 4) return undefined;
  const code = uint16At(arp, 6);
  if (code !== operations.request && code !== operations.reply) return undefined;
  return {
    operation: code === operations.request ? "request" : "reply",
    senderMac: macFromBytes(arp.subarray(8)),
    senderAddress: uint32At(arp, 14) as Ipv4,
    targetAddress: uint32At(arp, 24) as Ipv4,
  };
}

/**
 * The host that uses or wants an address that `mac` probes for (RFC 5227 §2.1.1): it speaks with the address, or probes
 * for it at the same time. Undefined if the message says nothing of the kind.
 */
export function conflictIn(message: ArpMessage, { mac, address }: { mac: Mac; address: Ipv4 }): Mac | undefined {
  if (message.senderMac === mac) return undefined;
  const isProbe = message.operation === "request" && message.senderAddress === noAddress;
  const claims = message.senderAddress === address || (isProbe && message.targetAddress === address);
  return claims ? message.senderMac : undefined;
}
