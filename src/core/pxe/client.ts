import { bytesFromText, sameBytes } from "../bytes/text.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { readSubOptions } from "../dhcp/codec/sub-options.ts";
import type { Firmware } from "../machine/record.ts";
import { type Architecture, architectureOf } from "./architecture.ts";

/** What stage of what machine sent a DHCP message. */
export type Client =
  /** Firmware's own PXE: option 60 begins with `PXEClient`. */
  | { readonly kind: "pxe"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** UEFI HTTP boot: option 60 begins with `HTTPClient`. */
  | { readonly kind: "httpBoot"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** iPXE, as the NIC's ROM or as the loader we sent. */
  | { readonly kind: "ipxe"; readonly firmware: Firmware }
  /** An operating system, or anything else that only wants an address. */
  | { readonly kind: "plain" };

const ipxeMark = bytesFromText("iPXE");

/**
 * Sorts a DHCP message by who sent it. Only prefixes of option 60 count: vendors append what they like. `signed` says
 * that the network's machines start only what is signed: nothing in the message tells that.
 */
export function classifyClient(packet: DhcpPacket, signed = false): Client {
  const { vendorClassIdentifier = "", clientSystemArchitecture = [] } = packet.options;
  const architecture = architectureOf(clientSystemArchitecture, signed);
  // Without option 93 it is a PXE ROM older than RFC 4578, and those are all BIOS.
  const firmware = architecture?.firmware ?? (clientSystemArchitecture.length === 0 ? "bios" : "uefi");
  // Asked first, for iPXE calls itself PXEClient as well; it must never be sent itself again (netboot.md Q16).
  if (isIpxe(packet)) return { kind: "ipxe", firmware };
  if (vendorClassIdentifier.startsWith("PXEClient"))
    return {
      kind: "pxe",
      firmware,
      architecture: clientSystemArchitecture.length === 0 ? architectureOf([0]) : architecture,
    };
  if (vendorClassIdentifier.startsWith("HTTPClient")) return { kind: "httpBoot", firmware, architecture };
  return { kind: "plain" };
}

/** iPXE says so in its user class, with or without RFC 3004's length byte, and sends its own option 175 (netboot.md §1.4, §1.5). */
function isIpxe(packet: DhcpPacket): boolean {
  const { userClass, etherbootEncapsulated } = packet.options;
  if (userClass !== undefined && (sameBytes(userClass, ipxeMark) || sameBytes(userClass, counted(ipxeMark))))
    return true;
  return etherbootEncapsulated !== undefined && readSubOptions(etherbootEncapsulated).size > 0;
}

function counted(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length, ...bytes);
}
