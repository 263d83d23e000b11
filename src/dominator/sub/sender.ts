import { hash } from "node:crypto";
import type { Context } from "hono";
import { isKept, parseMachineCredential } from "../../contract/credential.ts";
import type { Problem } from "../../contract/problem.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";

/** The machine whose agent's credential a request carries. */
export function senderOf(context: Context, store: Pick<Store, "get">): Machine | undefined {
  return machineWith(context.req.header("authorization"), store);
}

/** The machine whose agent has the credential in this header. */
export function machineWith(authorization: string | undefined, store: Pick<Store, "get">): Machine | undefined {
  const claim = parseMachineCredential(authorization);
  const machine = claim && store.get(claim.machineId);
  return claim && isKept(claim.credential, machine?.subTokenHash, sha256) ? machine : undefined;
}

function sha256(text: string): string {
  return hash("sha256", text);
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

/** What senders are known by. */
export type Known = Pick<Store, "get" | "unreadableWith">;

/** The answer to a sender without a valid credential: it is unknown, or its machine's record cannot be read. */
export function stranger(context: Context, store: Known): Response {
  const { status, problem } = whyStranger(context.req.header("authorization"), store);
  return context.json(problem, status);
}

/** The same as a value. */
export function whyStranger(
  authorization: string | undefined,
  store: Known,
): { readonly status: 401 | 409; readonly problem: Problem } {
  const claim = parseMachineCredential(authorization);
  const isDamaged = claim !== undefined && store.unreadableWith({ id: claim.machineId }) !== undefined;
  return isDamaged ? { status: 409, problem: damaged } : { status: 401, problem: unknown };
}

/** Says nothing of the record: whether the credential is the machine's is not known. */
const damaged: Problem = {
  kind: "unreadableRecord",
  title: "the record of the machine cannot be read",
  detail: "the MDB holds a record of this machine that it cannot read; nothing on the machine is changed",
  next: "on the server, birther status names the fault and what to do; the machine asks again by itself",
};

const unknown: Problem = {
  kind: "unknownSub",
  title: "invalid credential of a sub",
  detail: "the machine is unknown, or was reinstalled and has another credential",
  next: "rebirth the machine",
};
