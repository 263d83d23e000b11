import { bytesFromText, sameBytes } from "../bytes/text.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { readSubOptions } from "../dhcp/codec/sub-options.ts";
import type { Firmware } from "../machine/record.ts";
import { type Architecture, architectureOf } from "./architecture.ts";

/** The kind of client that sent a DHCP message. */
export type Client =
  /** Firmware's own PXE: option 60 begins with `PXEClient`. */
  | { readonly kind: "pxe"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** UEFI HTTP boot: option 60 begins with `HTTPClient`. */
  | { readonly kind: "httpBoot"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** iPXE, as the NIC's ROM or as the loader from this server. */
  | { readonly kind: "ipxe"; readonly firmware: Firmware }
  /** An operating system, or any other client that requests only an address. */
  | { readonly kind: "plain" };

const ipxeMark = bytesFromText("iPXE");

/**
 * Classifies the client that sent a DHCP message. Only prefixes of option 60 count: vendors append arbitrary text. `signed`
 * says that the machines of the network start only signed loaders, which no message reveals.
 */
export function classifyClient(packet: DhcpPacket, signed = false): Client {
  const { vendorClassIdentifier = "", clientSystemArchitecture = [] } = packet.options;
  const architecture = architectureOf(clientSystemArchitecture, signed);
  // A client without option 93 is a PXE ROM older than RFC 4578, and all of those are BIOS.
  const firmware = architecture?.firmware ?? (clientSystemArchitecture.length === 0 ? "bios" : "uefi");
  // This check comes first, because iPXE also identifies itself as PXEClient; it must never get iPXE again (netboot.md Q16).
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

/** iPXE identifies itself by its user class, with or without RFC 3004's length byte, and sends its own option 175 (netboot.md §1.4, §1.5). */
function isIpxe(packet: DhcpPacket): boolean {
  const { userClass, etherbootEncapsulated } = packet.options;
  if (userClass !== undefined && (sameBytes(userClass, ipxeMark) || sameBytes(userClass, counted(ipxeMark))))
    return true;
  return etherbootEncapsulated !== undefined && readSubOptions(etherbootEncapsulated).size > 0;
}

function counted(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length, ...bytes);
}
