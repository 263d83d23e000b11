import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { type Problem, paths } from "../contract/machine-facing.ts";
import { maxSubMessageBytes, type SubPollRequest, subPollRequest } from "../contract/sub.ts";
import { type Directive, decideDirective, defaultSubPolicy, type SubPolicy } from "../core/image/directive.ts";
import { faultOfTree } from "../core/image/tree.ts";
import type { MachineEvent } from "../core/machine/event.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { Log, Store } from "../core/ports.ts";
import type { ImageStore } from "./image-store.ts";
import { directiveEvents, outcomeEvents } from "./sub-events.ts";

export type SubAppInput = {
  readonly store: Store;
  readonly images: ImageStore;
  readonly log: Log;
  readonly policy?: SubPolicy;
};

/** The Dominator's side of a sub's poll: who is it, what is it to do, what does the MDB learn from it. */
export function subApp({ store, images, log, policy = defaultSubPolicy }: SubAppInput): Hono {
  const app = new Hono();
  app.post(paths.subPoll, bodyLimit({ maxSize: maxSubMessageBytes }), async (context) => {
    const parsed = v.safeParse(subPollRequest, await context.req.json().catch(() => undefined));
    if (!parsed.success) return context.json(malformed(v.flatten(parsed.issues)), 400);
    const request = parsed.output;
    const fault = request.tree === undefined ? undefined : faultOfTree(request.tree);
    if (fault !== undefined) return context.json(malformed(fault), 400);

    const machine = store.get(request.machineId as MachineId);
    const token = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
    if (machine === undefined || !isItsToken(machine, token)) return context.json(stranger(request.machineId), 401);

    await images
      .refresh()
      .catch((error: unknown) => log("error", "an image cannot be read", { error: String(error), cause: error }));
    const directive = direct(machine, request, images, policy);
    for (const event of [...outcomeEvents(machine.id, request), ...directiveEvents(machine.id, request, directive)]) {
      await applyOrLog(store, event, log);
    }
    if (request.log !== undefined) store.addLog(machine.id, request.log);
    return context.json(directive);
  });
  return app;
}

function direct(machine: Machine, request: SubPollRequest, images: ImageStore, policy: SubPolicy): Directive {
  const { requiredImage } = machine;
  return decideDirective({
    required: requiredImage,
    image: requiredImage === undefined ? undefined : images.resolve(requiredImage),
    held: whyHeld(machine),
    failure: request.outcome?.kind === "failed" ? request.outcome.reason : undefined,
    report: request,
    policy,
  });
}

/** A machine that is about to be installed anew, or that an operator holds, is left as it is. */
function whyHeld(machine: Machine): string | undefined {
  if (machine.state !== "healthy") return `the machine is in state ${machine.state}: it waits for its next boot`;
  const hold = machine.conditions.find((condition) => condition.kind === "hold");
  return hold === undefined ? undefined : `held: ${hold.reason}`;
}

function isItsToken(machine: Machine, token: string | undefined): boolean {
  if (machine.subTokenHash === undefined || token === undefined) return false;
  const given = createHash("sha256").update(token).digest();
  const known = Buffer.from(machine.subTokenHash, "hex");
  return given.length === known.length && timingSafeEqual(given, known);
}

async function applyOrLog(store: Store, event: MachineEvent, log: Log): Promise<void> {
  const decision = await store.apply(event);
  if (decision.kind === "refused")
    log("warn", "the MDB refused what a sub reported", { event: event.kind, why: decision.refusal.message });
}

function malformed(why: unknown): Problem {
  return {
    kind: "malformed",
    title: "not a poll as the contract has it",
    detail: (typeof why === "string" ? why : JSON.stringify(why)).slice(0, 2000),
    next: "sub and server are of different versions: rebirth the machine, or update the server",
  };
}

function stranger(machineId: string): Problem {
  return {
    kind: "unknownSub",
    title: "not the credential of this machine's sub",
    detail: `machine ${machineId} is not known, or was installed anew since and has another credential`,
    next: "rebirth the machine",
  };
}
