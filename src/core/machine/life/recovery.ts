import { changed, nameOf, refused, type Transition } from "./move.ts";

/**
 * An operator lets the next network boot of a machine recover its sealed disk key: whatever kernel boots then can read the key. Only
 * for a machine that is bound to its TPM, because the order is given to no other.
 */
export const allowRecovery: Transition<"recoveryAllowed", "healthy"> = (machine, { by }, { nowMs }) => {
  const sealed = machine.diskKey?.kind === "sealed";
  if (sealed && machine.tpm !== undefined) return changed({ ...machine, recovery: { by, atMs: nowMs } });
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)}: expected a sealed disk key and a TPM that the machine is bound to, found ${sealed ? "no binding" : "no sealed key"}`,
    next: "no recovery is needed for a key that is not sealed: read the machine's console to see why its disk does not boot",
  });
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
