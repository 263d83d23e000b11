import { createHash } from "node:crypto";
import type { Context } from "hono";
import { isKept, parseMachineCredential } from "../../contract/credential.ts";
import type { Problem } from "../../contract/machine-facing.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";

/** The machine whose agent's credential a request carries. */
export function senderOf(context: Context, store: Pick<Store, "get">): Machine | undefined {
  const claim = parseMachineCredential(context.req.header("authorization"));
  const machine = claim && store.get(claim.machineId);
  return claim && isKept(claim.credential, machine?.subTokenHash, sha256) ? machine : undefined;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Why a machine is left unchanged: it is about to be reinstalled, an operator holds it, or its credential is void. */
export function whyHeld(machine: Machine | undefined): string | undefined {
  if (machine === undefined) return "the machine was retired or reinstalled";
  if (machine.state !== "healthy") return `the machine is in state ${machine.state} and waits for its next boot`;
  const hold = machine.conditions.find((condition) => condition.kind === "hold");
  if (hold !== undefined) return `held: ${hold.reason}`;
  // A machine that was just born needs its first image all the same, or it could not boot.
  return machine.disableUpdates && machine.runningImage !== undefined
    ? "updates of this machine are disabled"
    : undefined;
}

/** The answer to a sender without a valid credential. */
export function stranger(): Problem {
  return {
    kind: "unknownSub",
    title: "invalid credential of a sub",
    detail: "the machine is unknown, or was reinstalled and has another credential",
    next: "rebirth the machine",
  };
}
