import { isWithin } from "../../clock-jump.ts";
import type { Refusal } from "../event.ts";
import type { MachineIn, Reboot } from "../record.ts";
import type { InstalledState } from "../state.ts";
import { changed, conditionOf, type EventOf, nameOf, refused, type Transition, withPhase } from "./move.ts";
import { heldRefusal } from "./order.ts";

/** An agent polls at least this often, also during an update. */
const heardMs = 120_000;
/** A restart takes less: an agent that still polls from the same boot after it is told again. */
const rebootMs = 600_000;

/** Why a machine cannot be told to restart; undefined if it can. */
export function whyNoReboot(machine: MachineIn<InstalledState>, nowMs: number): Refusal | undefined {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return heldRefusal(machine, hold.reason);
  const name = nameOf(machine);
  const refusal = (message: string, next: string): Refusal => ({
    kind: "wrongState",
    message: `${name}: ${message}`,
    next,
  });
  if (machine.state !== "healthy" && machine.order?.taken !== undefined) {
    return refusal(
      `expected a machine whose agent runs, found one whose ${machine.state} has begun`,
      `wait until it ends, or reset the machine by hand`,
    );
  }
  if (!isWithin(heardMs, machine.lastSeenAtMs, nowMs)) {
    const minutes = Math.round((nowMs - machine.lastSeenAtMs) / 60_000);
    return refusal(
      `expected an agent that polls, found one that was last heard ${minutes} min ago`,
      "reset the machine by its power button or its management controller",
    );
  }
  if (machine.state === "healthy" && machine.phase !== "up") {
    return refusal(
      `expected a machine in phase up, found phase ${machine.phase ?? "unknown"}: its agent is at work`,
      "repeat this when it is up",
    );
  }
  return undefined;
}

/** An operator lets a machine restart through its agent, when its turn comes. */
export const askReboot: Transition<"rebootAsked", InstalledState> = (machine, event, { nowMs }) => {
  const refusal = whyNoReboot(machine, nowMs);
  if (refusal !== undefined) return refused(refusal);
  const { by, atOnce, perRack } = event;
  return changed({ ...machine, reboot: { by, atMs: nowMs, atOnce, perRack } });
};

/** The agent is told to restart, once in ten minutes of one boot. */
export const sendReboot: Transition<"rebootSent", InstalledState> = (machine, { boot }, { nowMs }) => {
  const { reboot } = machine;
  const isDue = reboot !== undefined && isRebootDue(reboot, boot, nowMs);
  if (!isDue || conditionOf(machine, "hold") !== undefined) {
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)}: expected a request to restart, found none that is due`,
      next: "no action is needed",
    });
  }
  const sent = { ...machine, lastSeenAtMs: nowMs, reboot: { ...reboot, sent: { atMs: nowMs, boot } } };
  const detail = `requested by ${reboot.by}`;
  return changed(machine.state === "healthy" ? withPhase(sent, { phase: "rebooting", detail }, nowMs) : sent);
};

/** Whether the agent of this boot is to be told. */
function isRebootDue({ sent }: Reboot, boot: string, nowMs: number): boolean {
  return sent === undefined || (sent.boot === boot && !isWithin(rebootMs, sent.atMs, nowMs));
}

/** Whether a poll comes from another boot than the one that was told to restart. */
export function hasRebooted(
  { reboot }: Pick<MachineIn<InstalledState>, "reboot">,
  { boot }: EventOf<"subSeen">,
): boolean {
  return reboot?.sent !== undefined && boot !== undefined && boot !== reboot.sent.boot;
}

/** The record without a request to restart. */
export function withoutReboot<M extends { readonly reboot?: Reboot }>(machine: M): M {
  if (machine.reboot === undefined) return machine;
  const { reboot: _done, ...kept } = machine;
  return kept as M;
}
