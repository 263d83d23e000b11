import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { isKept, parseMachineCredential } from "../../contract/credential.ts";
import { type Problem, paths } from "../../contract/machine-facing.ts";
import { maxSubMessageBytes, type SubPollRequest, subPollRequest } from "../../contract/sub.ts";
import { faultOfTree } from "../../core/image/tree.ts";
import {
  type Directive,
  decideDirective,
  defaultSubPolicy,
  type PollDecision,
  type SubPolicy,
} from "../../core/image/update/directive.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Log, Store } from "../../core/ports.ts";
import type { ImageStore } from "../storage/image-store.ts";
import { directiveEvents, outcomeEvents } from "./events.ts";
import { openReportSlots, type ReportSlots } from "./report-slots.ts";

type SubStore = Pick<Store, "get" | "apply" | "addLog">;
type SubImages = Pick<ImageStore, "refresh" | "resolve">;

export type SubAppInput = {
  readonly store: SubStore;
  readonly images: SubImages;
  readonly log: Log;
  readonly policy?: SubPolicy;
  readonly reportSlots?: ReportSlots;
};

/** A poll without a tree: its largest part is 200 log lines. */
const smallPollBytes = 4 << 20;

/** The Dominator's side of a sub's poll: authenticate it, choose its directive, update the MDB. */
export function subApp({
  store,
  images,
  log,
  policy = defaultSubPolicy,
  reportSlots = openReportSlots(),
}: SubAppInput): Hono {
  const app = new Hono();
  // Hundreds of megabytes may follow, so the sender is authenticated before the first byte is read.
  app.post(paths.subPoll, async (context, next) => {
    const machine = senderOf(context, store);
    if (machine === undefined) return context.json(stranger(), 401);
    const announced = Number(context.req.header("content-length") ?? 0);
    if (announced <= smallPollBytes) return await bodyLimit({ maxSize: smallPollBytes })(context, next);
    const admission = reportSlots.admit(machine.id);
    if (admission.kind === "busy") return context.json(busy, 503);
    if (admission.kind === "notAsked") {
      const reason = "the server did not request this tree, because it has restarted; it will request it again";
      return context.json({ kind: "wait", seconds: 1, reason } satisfies Directive);
    }
    using _room = admission.room;
    return await bodyLimit({ maxSize: maxSubMessageBytes })(context, next);
  });
  app.post(paths.subPoll, async (context) => {
    const parsed = v.safeParse(subPollRequest, await context.req.json().catch(() => undefined));
    if (!parsed.success) return context.json(malformed(v.flatten(parsed.issues)), 400);
    const sent = parsed.output;
    const asked = senderOf(context, store);
    if (asked === undefined || asked.id !== sent.machineId) return context.json(stranger(), 401);
    const request = reportSlots.isAsked(asked.id) ? sent : withoutTree(sent);
    const fault = request.tree && faultOfTree(request.tree);
    if (fault !== undefined) return context.json(malformed(fault), 400);
    if (request.log !== undefined) store.addLog(asked.id, request.log);

    await images
      .refresh()
      .catch((error: unknown) => log("error", "reading an image failed", { error: String(error), cause: error }));
    for (const event of outcomeEvents(asked.id, request)) await applyOrLog(store, event, log);
    // The current record: the body may have taken minutes, and an operator's action counts at once.
    const machine = senderOf(context, store);
    if (machine === undefined) return context.json(stranger(), 401);
    const decided = direct(machine, request, images, policy);
    const directive = decided.kind === "stop" ? waitForOperator(decided) : decided;
    if (decided.kind === "stop") await applyOrLog(store, stopEvent(machine, decided), log);
    reportSlots.notified(machine.id, directive);
    for (const event of directiveEvents(machine.id, request, directive)) await applyOrLog(store, event, log);
    const held = directive.kind === "wait" ? undefined : whyHeld(senderOf(context, store));
    return context.json(held === undefined ? directive : waitFor(held, policy));
  });
  return app;
}

/** A stopped update is compared again after this time, because each comparison reads the machine's disk. */
const stoppedSeconds = 300;

type Stop = Extract<PollDecision, { kind: "stop" }>;

function waitForOperator({ reason }: Stop): Directive {
  return { kind: "wait", seconds: stoppedSeconds, reason: `stopped: ${reason}` };
}

function stopEvent({ id, hostname }: Machine, { image, reason }: Stop): MachineEvent {
  const next = `import a whole image, or force this one: birther set ${hostname ?? id} forcedImage=${image}`;
  return { kind: "failed", id, step: "update", reason: `stopped before its first step: ${reason}. ${next}` };
}

function direct(machine: Machine, request: SubPollRequest, images: SubImages, policy: SubPolicy): PollDecision {
  const { requiredImage } = machine;
  return decideDirective({
    required: requiredImage,
    image: requiredImage === undefined ? undefined : images.resolve(requiredImage),
    held: whyHeld(machine),
    failure: request.outcome?.kind === "failed" ? request.outcome.reason : undefined,
    forced: machine.forcedImage,
    report: request,
    policy,
  });
}

function waitFor(reason: string, { pollSeconds }: SubPolicy): Directive {
  return { kind: "wait", seconds: pollSeconds, reason };
}

/** Why a machine is left unchanged: it is about to be reinstalled, an operator holds it, or its credential is void. */
function whyHeld(machine: Machine | undefined): string | undefined {
  if (machine === undefined) return "the machine was retired or reinstalled";
  if (machine.state !== "healthy") return `the machine is in state ${machine.state} and waits for its next boot`;
  const hold = machine.conditions.find((condition) => condition.kind === "hold");
  if (hold !== undefined) return `held: ${hold.reason}`;
  // A machine that was just born needs its first image all the same, or it could not boot.
  return machine.disableUpdates && machine.runningImage !== undefined
    ? "updates of this machine are disabled"
    : undefined;
}

/** The machine whose agent's credential a request carries. */
function senderOf(context: Context, store: SubStore): Machine | undefined {
  const claim = parseMachineCredential(context.req.header("authorization"));
  const machine = claim && store.get(claim.machineId);
  return claim && isKept(claim.credential, machine?.subTokenHash, sha256) ? machine : undefined;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** An unrequested tree is ignored; if one is needed, the sub gets the directive to report. */
function withoutTree({ tree: _tree, objects: _objects, ...rest }: SubPollRequest): SubPollRequest {
  return rest;
}

const busy: Problem = {
  kind: "busy",
  title: "too many trees at once",
  detail: "the server reads only a few trees at a time, and one per machine",
  next: "retry in a few seconds",
};

async function applyOrLog(store: SubStore, event: MachineEvent, log: Log): Promise<void> {
  const decision = await store.apply(event);
  if (decision.kind === "refused")
    log("warn", "the MDB refused a sub's report", { event: event.kind, why: decision.refusal.message });
}

function malformed(why: unknown): Problem {
  return {
    kind: "malformed",
    title: "invalid poll",
    detail: (typeof why === "string" ? why : JSON.stringify(why)).slice(0, 2000),
    next: "the agent and the server have different versions; rebirth the machine, or update the server",
  };
}

function stranger(): Problem {
  return {
    kind: "unknownSub",
    title: "invalid credential of a sub",
    detail: "the machine is unknown, or was reinstalled and has another credential",
    next: "rebirth the machine",
  };
}
