import type { MachineEvent } from "../../core/machine/event.ts";
import { phaseText } from "./view.ts";

/** An event in a few words for the demo's table; undefined where it tells a person nothing new. */
export function describeEvent(event: MachineEvent): string | undefined {
  switch (event.kind) {
    case "pxeAsked":
      return `${event.stage} asked, answer: ${event.answer}`;
    case "pxeAskedAgain":
      return undefined;
    case "addressDeclined":
      return `another host uses ${event.address}`;
    case "addressSeen":
      return `has ${event.address} of another DHCP server`;
    case "addressReturned":
      return `its address ${event.address} went back to the pool`;
    case "phaseSeen":
      // The table shows the phase itself.
      return event.detail ?? phaseText[event.phase];
    case "orderIssued":
      return "boot script with a fresh token";
    case "orderTaken":
      return "took its birth order";
    case "hardwareScanned": {
      const { cpus, memoryMiB, disks } = event.hardware;
      return `${cpus} CPUs, ${memoryMiB} MiB, ${disks.length === 1 ? "1 disk" : `${disks.length} disks`}`;
    }
    case "burnInDone":
      return `burn-in ${event.report.verdict}`;
    case "placed": {
      const { switchName, port, hostname, address } = event.placement;
      return `${switchName} ${port} is ${hostname}, ${address}`;
    }
    case "failed":
      return `${event.step} failed: ${event.reason}`;
    case "becameHealthy":
      return `healthy; root disk ${event.storage.rootDisk.path}, encryption ${event.storage.encryption.kind}; image ${event.image}`;
    case "subSeen":
      return event.runningImage === undefined ? undefined : `runs ${event.runningImage}`;
    case "rebirthAsked":
      return `rebirth asked by ${event.by}: reset it`;
    case "stalled":
      return event.reason;
    case "resumed":
      return "gets on again";
    case "repairStepped":
      return `${event.step} by policy: ${event.reason}`;
    case "machineCreated":
      return `announced by ${event.by}`;
    case "detailsSet":
      return `${event.by} set ${Object.keys(event.details).join(", ")}`;
    case "retired":
      return `retired by ${event.by}`;
    case "takeoverAuthorised":
      return `takes over from ${event.from}, says ${event.by}`;
    case "cleanAsked":
      return `clean asked by ${event.by}: reset it`;
    case "rebirthCancelled":
      return `taken back by ${event.by}`;
    case "conditionSet":
      return `${event.condition}: ${event.reason}`;
    case "conditionCleared":
      return `no longer ${event.condition}`;
  }
}
