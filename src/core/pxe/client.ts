import { bytesFromText, sameBytes } from "../bytes/text.ts";
import { optionTable } from "../dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { readSubOptions } from "../dhcp/codec/sub-options.ts";
import type { MachineArchitecture } from "../machine/architecture.ts";
import type { Firmware } from "../machine/record.ts";
import type { Signature } from "../network/network.ts";
import { type Architecture, architectureOf } from "./architecture.ts";

/** The kind of client that sent a DHCP message. */
export type Client =
  /** Firmware's own PXE, or an iPXE that cannot run our script: `PXEClient` in option 60, or another name and option 93. */
  | { readonly kind: "pxe"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** UEFI HTTP boot: option 60 begins with `HTTPClient`. */
  | { readonly kind: "httpBoot"; readonly firmware: Firmware; readonly architecture: Architecture | undefined }
  /** iPXE, as the NIC's ROM or as the loader from this server. */
  | { readonly kind: "ipxe"; readonly firmware: Firmware; readonly machine?: MachineArchitecture }
  /** init of the signed image, which asks for its settings. */
  | { readonly kind: "signedImage"; readonly firmware: "uefi" }
  /** An operating system, or any other client that requests only an address. */
  | { readonly kind: "plain" };

/** The vendor class (option 60) of init in the signed image. */
export const signedImageClass = "BirtherInit";

const ipxeMark = bytesFromText("iPXE");

/**
 * Classifies the client that sent a DHCP message. Only prefixes of option 60 count: vendors append arbitrary text. `signature`
 * is the one that the machines of the network ask for, which no message reveals.
 */
export function classifyClient(packet: DhcpPacket, signature: Signature = "none"): Client {
  const { vendorClassIdentifier = "" } = packet.options;
  if (vendorClassIdentifier === signedImageClass) return { kind: "signedImage", firmware: "uefi" };
  const codes = architectureCodes(packet);
  const architecture = architectureOf(codes, signature);
  if (vendorClassIdentifier.startsWith("HTTPClient"))
    return { kind: "httpBoot", firmware: architecture?.firmware ?? "uefi", architecture };
  // A client that names no architecture is a PXE ROM older than RFC 4578, and all of those are BIOS.
  const firmware = architecture?.firmware ?? (codes.length === 0 ? "bios" : "uefi");
  // iPXE also identifies itself as PXEClient; one that runs the script must never get iPXE again (netboot.md Q16).
  if (isIpxe(packet) && runsScript(packet, firmware)) {
    const machine = architecture?.machine;
    return machine === undefined ? { kind: "ipxe", firmware } : { kind: "ipxe", firmware, machine };
  }
  if (vendorClassIdentifier.startsWith("PXEClient") || isIpxe(packet))
    return { kind: "pxe", firmware, architecture: codes.length === 0 ? architectureOf([0], signature) : architecture };
  // U-Boot, and the firmware of some network adapters, put their own name into option 60: only boot clients send option 93.
  if (codes.length === 0) return { kind: "plain" };
  return { kind: architecture?.via === "http" ? "httpBoot" : "pxe", firmware, architecture };
}

/** The Bootstrap Image that a client's machine can run; undefined if it has 32 bits or names no architecture. */
export function machineOf(client: Client): MachineArchitecture | undefined {
  switch (client.kind) {
    case "pxe":
    case "httpBoot":
      return client.architecture?.machine;
    case "ipxe":
      return client.machine;
    case "signedImage":
    case "plain":
      return undefined;
  }
}

/**
 * The architecture codes of a boot client: option 93; without it, or if it is truncated, the digits of option 60
 * (`PXEClient:Arch:00007:…`, RFC 4578 §2.1 and PXE 2.1 §2.2.2), and at last the single byte of a truncated option.
 */
function architectureCodes({ options, otherOptions }: DhcpPacket): readonly number[] {
  if (options.clientSystemArchitecture !== undefined) return options.clientSystemArchitecture;
  const digits = /^(?:PXE|HTTP)Client:Arch:(\d{1,5})(?!\d)/.exec(options.vendorClassIdentifier ?? "")?.[1];
  if (digits !== undefined) return [Number(digits)];
  const truncated = otherOptions.get(optionTable.clientSystemArchitecture.code);
  return truncated?.length === 1 ? [...truncated] : [];
}

/** Features in iPXE's option 175 (its include/ipxe/features.h): codes 16 to 63, each with a number. */
const ipxeFeatures = { first: 0x10, http: 0x13, bzImage: 0x18, efi: 0x24, last: 0x3f } as const;

/**
 * Whether this iPXE can run our script: it fetches by HTTP and starts a kernel. An iPXE that lists no features is taken to have
 * them; one that lists others lacks them and is treated as a plain PXE ROM. The loader from this server lists both, so that it
 * is sent once only.
 */
function runsScript({ options }: DhcpPacket, firmware: Firmware): boolean {
  const { etherbootEncapsulated } = options;
  if (etherbootEncapsulated === undefined) return true;
  const listed = readSubOptions(etherbootEncapsulated);
  const isFeature = (code: number) => code >= ipxeFeatures.first && code <= ipxeFeatures.last;
  if (![...listed.keys()].some(isFeature)) return true;
  const has = (code: number) => listed.get(code)?.some((byte) => byte !== 0) ?? false;
  return has(ipxeFeatures.http) && has(firmware === "bios" ? ipxeFeatures.bzImage : ipxeFeatures.efi);
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
