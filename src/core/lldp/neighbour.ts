import type { Neighbour } from "../site/placement.ts";
import type { Lldpdu } from "./lldpdu.ts";

/** Letters, then numbers: `swp7`, `ge-0/0/1`, `GigabitEthernet1/0/7`, `Eth1:2`. Operators' texts have spaces or no number. */
const interfaceName = /^[A-Za-z][A-Za-z-]*\d+([/:.]\d+)*$/;

/**
 * The switch and port that an LLDPDU names, as placement rules match them.
 *
 * Switch: the system name; the chassis id if there is none.
 * Port: the port id if it is an interface name (Cumulus, Arista, Cisco). A *local* id is used unless it is a bare number, which
 * is an SNMP index (Juniper sends `526` and puts `ge-0/0/1` into the description); an alias is free text. For both the
 * description is used only if it looks like the name of an interface: an operator's text never decides a place. A MAC or an address
 * (lldpd's default on Linux) does not name a port for an operator, so the description is used then, too.
 */
export function neighbourOf(lldpdu: Lldpdu): Neighbour {
  const { port, portDescription, systemName, chassis } = lldpdu;
  const described = portDescription !== undefined && interfaceName.test(portDescription);
  const telling =
    port.kind === "interfaceName" ||
    port.kind === "portComponent" ||
    (port.kind === "interfaceAlias" && (interfaceName.test(port.text) || !described)) ||
    (port.kind === "local" && (!/^\d+$/.test(port.text) || !described));
  return {
    switchName: systemName !== undefined && systemName !== "" ? systemName : chassis.text,
    port: !telling && portDescription !== undefined && portDescription !== "" ? portDescription : port.text,
  };
}
