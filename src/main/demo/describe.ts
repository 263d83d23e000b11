import { counted } from "../../core/bytes/counted.ts";
import type { MachineEvent, UnreadableEvent } from "../../core/machine/event.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { describeNeighbour } from "../../core/site/place.ts";
import { phaseText } from "./view.ts";

/** A short text about an event for the demo's table; undefined if the event tells the reader nothing new. */
export function describeEvent(event: MachineEvent | UnreadableEvent): string | undefined {
  switch (event.kind) {
    case "pxeAsked":
      return `${event.stage} request, answered with ${event.answer}`;
    case "pxeAskedAgain":
      return undefined;
    case "addressDeclined":
      return `another host uses ${formatIpv4(event.address)}`;
    case "addressSeen":
      return `uses ${formatIpv4(event.address)} from another DHCP server`;
    case "addressReturned":
      return `its address ${formatIpv4(event.address)} returned to the pool`;
    case "phaseSeen":
      // The table shows the phase itself.
      return event.detail ?? phaseText[event.phase];
    case "orderIssued":
      return "boot script with a new token";
    case "orderTaken":
      return "took its birth order";
    case "hardwareScanned": {
      const { cpus, memoryMiB, disks } = event.hardware;
      return `${counted(cpus, "CPU")}, ${memoryMiB} MiB, ${counted(disks.length, "disk")}`;
    }
    case "neighboursSeen":
      return `LLDP neighbours: ${event.neighbours.map(describeNeighbour).join("; ")}`;
    case "burnInDone":
      return `burn-in ${event.report.verdict}`;
    case "placed": {
      const { switchName, port, hostname, address } = event.placement;
      return `${switchName} ${port} is ${hostname}, ${formatIpv4(address)}`;
    }
    case "failed":
      return `${event.step} failed: ${event.reason}`;
    case "becameHealthy":
      return `healthy; root disk ${event.storage.rootDisk.path}, encryption ${event.storage.encryption.kind}; image ${event.image}`;
    case "agentResumed":
      return "goes on with its first image after a power cut";
    case "subSeen":
      return event.runningImage === undefined ? undefined : `runs ${event.runningImage}`;
    case "stalled":
      return event.reason;
    case "resumed":
      return "makes progress again";
    case "repairStepped":
      return `${event.step} by policy: ${event.reason}`;
    case "conditionSet":
      return `${event.condition}: ${event.reason}`;
    case "recoveryAllowed":
      return `${event.by} allows one recovery of its disk key`;
    case "rebootSent":
      return "its agent is told to restart";
    case "recoverySigned":
      return "its disk key is recovered";
    case "conditionCleared":
      return `no longer ${event.condition}`;
    case "unreadable":
      return `unreadable: ${event.fault}`;
    default:
      return describeAction(event);
  }
}

/** What an operator did. */
type Action = Extract<
  MachineEvent,
  {
    readonly kind:
      | "rebirthAsked"
      | "rebootAsked"
      | "machineCreated"
      | "detailsSet"
      | "imageRequired"
      | "retired"
      | "takeoverAuthorised"
      | "cleanAsked"
      | "rebirthCancelled";
  }
>;

function describeAction(event: Action): string {
  switch (event.kind) {
    case "rebirthAsked":
      return `rebirth requested by ${event.by}: reset the machine`;
    case "rebootAsked":
      return `restart requested by ${event.by}`;
    case "machineCreated":
      return `created by ${event.by}`;
    case "detailsSet":
      return `${event.by} set ${Object.keys(event.details).join(", ")}`;
    case "imageRequired":
      return `${event.by} promoted ${event.image}`;
    case "retired":
      return `retired by ${event.by}`;
    case "takeoverAuthorised":
      return `takes over from ${event.from}, authorised by ${event.by}`;
    case "cleanAsked":
      return `clean requested by ${event.by}: reset the machine`;
    case "rebirthCancelled":
      return `cancelled by ${event.by}`;
  }
}
