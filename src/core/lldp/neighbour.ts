import type { Neighbour } from "../site/placement.ts";
import type { Lldpdu } from "./lldpdu.ts";

/**
 * The switch and port that an LLDPDU names, as placement rules match them.
 *
 * Switch: the system name; the chassis id if there is none.
 * Port: the port id if it is an interface name (Cumulus, Arista, Cisco) or alias. A *local* id is used unless it is a bare
 * number, which is an SNMP index (Juniper sends `526` and puts `ge-0/0/1` into the description). A MAC or an address
 * (lldpd's default on Linux) does not name a port for an operator, so the description is used then, too.
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
