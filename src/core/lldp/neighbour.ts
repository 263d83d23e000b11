import type { Neighbour } from "../site/placement.ts";
import type { Lldpdu } from "./lldpdu.ts";

/**
 * The switch and port that an LLDPDU names, in the words site rules are written in.
 *
 * Switch: the system name; the chassis id where none is sent.
 * Port: the port id when it is an interface's name (Cumulus, Arista, Cisco) or alias. A *local* id is taken unless it is
 * a bare number, which is an SNMP index (Juniper sends `526` and puts `ge-0/0/1` into the description). A MAC or an
 * address (lldpd's default on Linux) names no port a person would know, so there the description is taken too.
 */
export function neighbourOf(lldpdu: Lldpdu): Neighbour {
  const { port, portDescription, systemName, chassis } = lldpdu;
  const telling =
    port.kind === "interfaceName" ||
    port.kind === "interfaceAlias" ||
    port.kind === "portComponent" ||
    (port.kind === "local" && !/^\d+$/.test(port.text));
  return {
    switchName: systemName !== undefined && systemName !== "" ? systemName : chassis.text,
    port: !telling && portDescription !== undefined && portDescription !== "" ? portDescription : port.text,
  };
}
