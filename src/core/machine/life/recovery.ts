import { isWithin } from "../../clock-jump.ts";
import type { Machine } from "../record.ts";
import { changed, nameOf, refused, type Transition } from "./move.ts";

/** An agent polls at least this often, also during an update: one that did runs from the disk, so that its key is open. */
const heardMs = 120_000;

type WhyNot = { readonly message: string; readonly next: string };

const unsealed: WhyNot = {
  message: "expected a sealed disk key, found a machine without one",
  next: "no recovery is needed for a key that is not sealed: read the machine's console to see why its disk does not boot",
};

function whyUnbound({ tpm }: Machine): WhyNot | undefined {
  if (tpm !== undefined) return undefined;
  return {
    message: "expected a TPM that the machine is bound to, found no binding: its boots have not proved a TPM",
    next: "an order to recover is given only to a proof of the machine's TPM: only a rebirth helps, which erases the disk",
  };
}

/**
 * An operator lets the next network boot of a machine recover its sealed disk key: whatever kernel boots then can read the key. Only
 * for a machine that is bound to its TPM, because the order is given to no other.
 */
export const allowRecovery: Transition<"recoveryAllowed", "healthy"> = (machine, { by }, { nowMs }) => {
  const sealed = machine.diskKey?.kind === "sealed";
  // Its next poll would end the recovery anyway; until then any kernel could read the key, for nothing.
  if (sealed && machine.phase === "up" && isWithin(heardMs, machine.lastSeenAtMs, nowMs))
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)}: expected a machine whose disk stays locked, found one whose agent polled ${Math.round((nowMs - machine.lastSeenAtMs) / 1000)} s ago`,
      next: `its disk is open and needs no recovery; repeat this after a restart that its agent has not survived for ${heardMs / 60_000} minutes`,
    });
  const whyNot = sealed ? whyUnbound(machine) : unsealed;
  if (whyNot === undefined) return changed({ ...machine, recovery: { by, atMs: nowMs } });
  return refused({ kind: "wrongState", message: `${nameOf(machine)}: ${whyNot.message}`, next: whyNot.next });
};

/** The MDB signs for a session of the TPM. Once: the same boot may ask again for the same session, because the answer may be lost. */
export const signRecovery: Transition<"recoverySigned", "healthy"> = (machine, { nonce }, { nowMs }) => {
  const { recovery, order } = machine;
  const isFirst = recovery !== undefined && (recovery.nonce === undefined || recovery.nonce === nonce);
  if (order?.action === "recover" && order.taken !== undefined && isFirst)
    return changed({ ...machine, lastSeenAtMs: nowMs, recovery: { ...recovery, nonce } });
  return refused({
    kind: "staleOrder",
    message: `${nameOf(machine)}: expected one recovery that an operator allows, found ${recovery === undefined ? "none" : "that it was used"}`,
    next: `birther release ${nameOf(machine)} --recover allows another one`,
  });
};
