import type { Neighbour, PortFields } from "../site/placement.ts";
import type { Lldpdu } from "./lldpdu.ts";

/** Letters, then numbers: `swp7`, `ge-0/0/1`, `GigabitEthernet1/0/7`, `Eth1:2`. Operators' texts have spaces or no number. */
const interfaceName = /^[A-Za-z][A-Za-z-]*\d+([/:.]\d+)*$/;

/** A bare number up to this one may be the number of the port itself; larger ones are indexes of SNMP (Juniper begins at 500). */
const greatestPortNumber = 255;

/**
 * The switch and port that an LLDPDU names, as placement rules match them.
 *
 * Switch: the system name; the chassis id if there is none. Port:
 * - the port id if it is an interface name, a component or a *local* name (Cumulus, Arista, Cisco);
 * - the description where the id is a MAC or an address (lldpd's default on Linux) or an SNMP index (Juniper sends `526` and
 *   puts `ge-0/0/1` into the description), and where the id is an alias, which is an operator's text;
 * - a small bare number is the port, and a description beside it that looks like an interface must agree with it.
 *
 * A description that does not look like an interface is an operator's text and never replaces a number or an alias.
 */
export function neighbourOf({ port, portDescription = "", systemName, chassis }: Lldpdu): Neighbour {
  const switchName = systemName !== undefined && systemName !== "" ? systemName : chassis.text;
  return neighbourBy(switchName, { portIdKind: port.kind, portId: port.text, portDescription });
}

/** The neighbour with these fields of its port. */
export function neighbourBy(switchName: string, fields: PortFields): Neighbour {
  return { switchName, ...portOf(fields), ...fields };
}

function portOf({ portIdKind, portId, portDescription }: PortFields): Pick<Neighbour, "port" | "otherPort"> {
  const described = interfaceName.test(portDescription);
  switch (portIdKind) {
    case "interfaceName":
    case "portComponent":
      return { port: portId };
    case "mac":
    case "networkAddress":
    case "agentCircuitId":
      return { port: portDescription === "" ? portId : portDescription };
    case "interfaceAlias":
      if (!described) return { port: portId };
      return interfaceName.test(portId)
        ? { port: portDescription, otherPort: { text: portId, agrees: portId === portDescription } }
        : { port: portDescription };
    case "local": {
      if (!/^\d+$/.test(portId) || !described) return { port: portId };
      if (Number(portId) > greatestPortNumber) return { port: portDescription };
      const agrees = Number(/\d+$/.exec(portDescription)?.[0]) === Number(portId);
      return { port: portId, otherPort: { text: portDescription, agrees } };
    }
  }
}
