import { bytesFromHex } from "../../src/core/bytes/text.ts";
import { chassisKinds, type Lldpdu, type LldpReading, portKinds, readText } from "../../src/core/lldp/lldpdu.ts";
import { formatIpv4, type Ipv4 } from "../../src/core/net/ipv4.ts";
import type { Fields, Reading } from "./compare.ts";
import type { Dissection } from "./tshark.ts";

/** Every field that `lldpByTshark` reads. */
export const lldpFields = [
  ...(["lldp.chassis.subtype", "lldp.chassis.id", "lldp.chassis.id.mac", "lldp.chassis.id.ip4"] as const),
  ...(["lldp.port.subtype", "lldp.port.id", "lldp.port.id.mac", "lldp.port.id.ip4"] as const),
  ...(["lldp.time_to_live", "lldp.port.desc", "lldp.tlv.system.name", "eth.src"] as const),
] as const;

/** What tshark reads; a frame without a time to live is incomplete. */
export function lldpByTshark(of: Dissection<(typeof lldpFields)[number]>): Fields | undefined {
  const first = (name: (typeof lldpFields)[number]) => of(name)[0];
  const ttl = first("lldp.time_to_live");
  if (ttl === undefined) return undefined;
  const chassisHex = first("lldp.chassis.id");
  const chassisText = chassisHex && readText(bytesFromHex(chassisHex) ?? new Uint8Array());
  return {
    sender: first("eth.src") ?? "",
    chassisSubtype: first("lldp.chassis.subtype") ?? "",
    chassis: first("lldp.chassis.id.mac") ?? first("lldp.chassis.id.ip4") ?? chassisText ?? "",
    portSubtype: first("lldp.port.subtype") ?? "",
    port: first("lldp.port.id.mac") ?? first("lldp.port.id.ip4") ?? first("lldp.port.id") ?? "",
    ttl,
    portDescription: first("lldp.port.desc") ?? "",
    systemName: first("lldp.tlv.system.name") ?? "",
  };
}

/** What our decoder reads. */
export function lldpByUs(reading: LldpReading): Reading {
  if (reading.kind === "unreadable") return { kind: "refused", why: reading.reason };
  const { chassis, port, ttlSeconds, portDescription = "", systemName = "" } = reading.lldpdu;
  const fields = {
    sender: reading.sender,
    chassisSubtype: numberOf(chassisKinds, chassis.kind),
    chassis: idText(chassis),
    portSubtype: numberOf(portKinds, port.kind),
    port: idText(port),
    ttl: String(ttlSeconds),
    portDescription,
    systemName,
  };
  return { kind: "read", fields };
}

function numberOf(kinds: { readonly [subtype: number]: string }, kind: string): string {
  return Object.keys(kinds).find((each) => kinds[Number(each)] === kind) ?? "";
}

/** Addresses as tshark writes them: the family (1 is IPv4) is a field of its own there. */
function idText({ kind, text }: Lldpdu["chassis"] | Lldpdu["port"]): string {
  return kind === "networkAddress" && /^01.{8}$/.test(text)
    ? formatIpv4(Number.parseInt(text.slice(2), 16) as Ipv4)
    : text;
}
