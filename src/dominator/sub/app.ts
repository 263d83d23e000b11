import { Hono } from "hono";
import { paths } from "../../contract/machine/paths.ts";
import { type Directive, defaultSubPolicy } from "../../core/image/update/directive.ts";
import { shortBootId } from "../../core/machine/log-line.ts";
import { isInstalled, type Machine } from "../../core/machine/record.ts";
import { sha512Of } from "../storage/sha512.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import { applyOrLog } from "./apply-or-log.ts";
import { direct, stopEvent, waitFor, waitForOperator } from "./direct.ts";
import { answer, originFor } from "./directive-answer.ts";
import { directiveEvents, outcomeEvents, type SentDirective } from "./events.ts";
import { admitPolls, announcedBytes, smallPollBytes } from "./poll-admission.ts";
import { malformed, newerThanServer, readBody } from "./poll-body.ts";
import { openReportSlots } from "./report-slots.ts";
import { seedFor } from "./seed-for.ts";
import { senderOf, stranger, whyHeld } from "./sender.ts";
import type { SubAppInput } from "./sub-app-input.ts";
import { wholeBody } from "./whole-body.ts";

/** The Dominator's side of a sub's poll: authenticate it, choose its directive, update the MDB. */
export function subApp(input: SubAppInput): Hono {
  const {
    store,
    images,
    log,
    caPem,
    policy: policyNow = () => defaultSubPolicy,
    reportSlots = openReportSlots(input.clock),
    othersUpdate = false,
  } = input;
  const trust = { caPem, sha512: sha512Of(caPem) };
  const lookForImages = imageLookout(input);
  const app = new Hono();
  app.post(paths.subPoll, admitPolls({ ...input, reportSlots }));
  app.post(paths.subPoll, async (context) => {
    const announced = announcedBytes(context);
    const body =
      announced > smallPollBytes
        ? await wholeBody(context.req.raw, announced)
        : new Uint8Array(await context.req.arrayBuffer());
    const sender = senderOf(context, store);
    if (sender === undefined) return stranger(context, store);
    await lookForImages(sender);
    const read = await readBody(body, sender, { ...input, reportSlots });
    if (read.kind === "malformed") return context.json(malformed(read.why), 400);
    if (read.kind === "newerProtocol") return context.json(newerThanServer(read.protocol), 422);
    const { poll, compared } = read;
    const policy = policyNow();
    if (sender.id !== poll.machineId) return stranger(context, store);
    if (poll.log !== undefined) store.addLog(sender.id, poll.log, poll.bootId);
    if (poll.progress !== undefined) {
      store.noteProgress(sender.id, poll.progress);
      const wait = waitFor("it is at work", policy);
      for (const event of directiveEvents(sender.id, poll, wait)) await applyOrLog(store, event, log);
      return context.json(wait);
    }
    for (const event of outcomeEvents(sender.id, poll)) await applyOrLog(store, event, log);
    // The current record: the body may have taken minutes, and an operator's action counts at once.
    const machine = senderOf(context, store);
    if (machine === undefined) return stranger(context, store);
    await input.agentUpgrades?.noteSeen(machine, poll);
    const decided = direct(machine, read, { images, policy, othersUpdate, trust });
    const directive = withMdbs(decided.kind === "stop" ? waitForOperator(decided) : decided, machine, input);
    if (decided.kind === "stop") await applyOrLog(store, stopEvent(machine, decided), log);
    reportSlots.notified(machine.id, directive);
    if (directive.kind !== "fetch") input.fetchTurns?.ended(machine.id);
    for (const event of directiveEvents(machine.id, poll, directive)) await applyOrLog(store, event, log);
    const isIdle = directive.kind === "wait" && whyHeld(senderOf(context, store)) === undefined;
    const upgrade = isIdle ? await input.agentUpgrades?.upgradeFor(machine.id, poll) : undefined;
    const reboot = directive.kind === "wait" ? await rebootFor(senderOf(context, store), poll, input) : undefined;
    const held = whyHeld(senderOf(context, store));
    const isOrdered = directive.kind !== "wait" || upgrade !== undefined;
    const instead = reboot ?? (held !== undefined && isOrdered ? waitFor(held, policy) : upgrade);
    const seed = seedFor(input, { machine, poll, sent: instead ?? directive });
    if (instead !== undefined) return context.json(instead);
    if (seed !== undefined) return context.json({ ...seedingPause(directive), seed });
    return answer(context, directive, { comparison: poll.comparison, compared, origin: originFor(machine, input) });
  });
  return app;
}

/** A machine that serves its image says so as often as in a small fleet: one that is silent for a minute counts as gone. */
function seedingPause(directive: SentDirective): SentDirective {
  if (directive.kind !== "wait") return directive;
  return { ...directive, seconds: Math.min(directive.seconds, defaultSubPolicy.pollSeconds) };
}

/** A machine with nothing to do hears where the MDB is: servers come and go in its life. */
function withMdbs(
  directive: SentDirective,
  { network = "" }: Machine,
  { mdbsOn }: Pick<SubAppInput, "mdbsOn">,
): SentDirective {
  const mdbs = directive.kind === "wait" ? mdbsOn?.(network) : undefined;
  return directive.kind === "wait" && mdbs !== undefined ? { ...directive, mdbs } : directive;
}

/** The order to restart, if an operator wants it and it is the machine's turn. */
async function rebootFor(
  machine: Machine | undefined,
  { bootId, running }: SmallPoll,
  { store, reboots, log }: Pick<SubAppInput, "store" | "reboots" | "log">,
): Promise<Extract<Directive, { kind: "reboot" }> | undefined> {
  const boot = bootId === undefined ? undefined : shortBootId(bootId);
  if (machine === undefined || !isInstalled(machine) || boot === undefined || running !== "image") return undefined;
  const { id, reboot } = machine;
  if (reboot === undefined || reboots?.mayReboot(machine) !== true) return undefined;
  const decision = await store.apply({ kind: "rebootSent", id, boot });
  if (decision.kind === "refused") return undefined;
  log("info", "a machine restarts for an operator", { id, by: reboot.by });
  return { kind: "reboot", image: machine.runningImage ?? machine.requiredImage };
}

/** How long a poll trusts the last look at the directory of images, which is a tenth of what the poll costs. */
const lookMs = 1000;

/** Looks for images that another process has added or removed: once in a while, and at once for an image that is not known. */
function imageLookout({ images, clock, log }: Pick<SubAppInput, "images" | "clock" | "log">) {
  let lookedMs = Number.NEGATIVE_INFINITY;
  return async ({ requiredImage }: Machine): Promise<void> => {
    const isKnown = requiredImage === undefined || images.get(requiredImage) !== undefined;
    const nowMs = clock.monotonicMs();
    if (isKnown && nowMs < lookedMs + lookMs) return;
    await images
      .refresh()
      .catch((error: unknown) => log("error", "reading the images failed", { error: String(error), cause: error }));
    // Only now: polls that come meanwhile wait for the same look.
    lookedMs = nowMs;
  };
}
