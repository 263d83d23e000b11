import { isToBeInstalled, type Machine, type MachineIn } from "./record.ts";
import type { OrderAction } from "./state.ts";

/**
 * Whether the next network boot of a healthy machine resumes its agent instead of its disk: its first image is not in
 * place yet. In phase `rebooting` it is, and the machine starts it.
 */
export function mayResume({ awaitsFirstImage, phase }: MachineIn<"healthy">): boolean {
  return awaitsFirstImage === true && phase !== undefined && phase !== "rebooting" && phase !== "up";
}

/** Whether Birther's agent has nothing more to do on a healthy machine where an external Dominator updates: its first image is in place. */
export function isLeftToOthers(machine: Machine): boolean {
  return machine.state === "healthy" && !mayResume(machine);
}

/** The action of the next order of a machine; undefined if it gets none. An order that proves a boot erases nothing either. */
export function orderActionOf(machine: Machine): OrderAction | undefined {
  if (isToBeInstalled(machine)) return machine.state;
  if (mayRecover(machine)) return "recover";
  if (mustProveBoot(machine)) return "resume";
  return machine.state === "healthy" && mayResume(machine) ? "resume" : undefined;
}

/** Whether the next network boot of a healthy machine recovers its sealed disk key. */
export function mayRecover({ recovery }: Machine): boolean {
  return recovery !== undefined && recovery.nonce === undefined;
}

/** Whether the next network boot of a healthy machine is to be proved by a token. */
export function mustProveBoot(machine: Machine): boolean {
  return machine.state === "healthy" && machine.repair?.trial?.asked === true && !mayRecover(machine);
}
