import { type Context, Hono, type MiddlewareHandler } from "hono";
import { type Problem, paths } from "../../contract/machine-facing.ts";
import { maxSubMessageBytes } from "../../contract/sub.ts";
import { announcedSize } from "../../core/http/announced-size.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import type { ImageSummary } from "../../core/image/manifest.ts";
import {
  type AssessedReport,
  type Comparison,
  type Directive,
  decideDirective,
  defaultSubPolicy,
  type PackOrigin,
  type PackServers,
  type PollDecision,
  type SubPolicy,
  wholeDirective,
} from "../../core/image/update/directive.ts";
import { defaultArchitecture } from "../../core/machine/architecture.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import { hasOwnSystem } from "../../core/machine/life/boot.ts";
import { shortBootId } from "../../core/machine/log-line.ts";
import { isInstalled, type Machine, type MachineId } from "../../core/machine/record.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { ImageStore } from "../storage/image-store.ts";
import type { FindInStores } from "../storage/packs/find-in-packs.ts";
import { sha512Of } from "../storage/sha512.ts";
import { type ComparedTree, parsePoll, plainPoll, type ReadPoll, type SmallPoll } from "../thread/read-poll.ts";
import type { DominatorTasks } from "../thread/tasks.ts";
import type { AgentUpgrades } from "./agent-upgrades.ts";
import { applyOrLog } from "./apply-or-log.ts";
import { limitBody } from "./body-limit.ts";
import { directiveEvents, outcomeEvents, type SentDirective } from "./events.ts";
import type { FetchTurns } from "./fetch-turns.ts";
import type { Reboots } from "./reboots.ts";
import { openReportSlots, type ReportSlots } from "./report-slots.ts";
import { seedFor } from "./seed-for.ts";
import { senderOf, stranger, whyHeld } from "./sender.ts";
import { slicesOf } from "./slices.ts";
import { wholeBody } from "./whole-body.ts";

type SubStore = Pick<Store, "get" | "unreadableWith" | "apply" | "addLog" | "noteProgress">;
type SubImages = Pick<ImageStore, "refresh" | "get" | "pathOf">;

export type SubAppInput = {
  readonly store: SubStore;
  readonly images: SubImages;
  readonly tasks: Pick<DominatorTasks, "readPoll">;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  /** The certificate authorities of this MDB, PEM texts one after the other. */
  readonly caPem: string;
  readonly policy?: SubPolicy;
  readonly reportSlots?: ReportSlots;
  /** Who fetches now; told when a machine does not any more. */
  readonly fetchTurns?: Pick<FetchTurns, "ended" | "seed" | "seedsNoMore" | "restarts">;
  /** An external Dominator updates the machines after their first image. */
  readonly othersUpdate?: boolean;
  /** Where contents are in packs, and the servers of packs for a machine, best first; without it, contents come one by one. */
  readonly packs?: ServedPacks;
  /** All addresses of the MDB for the machines of a network, the own first; undefined where there is one server only. */
  readonly mdbsOn?: (network: string) => readonly string[] | undefined;
  /** Whose turn it is to restart for an operator. */
  readonly reboots?: Reboots;
  /** Absent where the server has no agent of its own to hand out. */
  readonly agentUpgrades?: AgentUpgrades;
};

/** Where contents are in packs, and who has them for a machine that fetches a public or a confidential image. */
export type ServedPacks = {
  readonly find: FindInStores;
  readonly serversFor: (id: MachineId, image: Pick<ImageSummary, "confidential">) => PackServers;
};

/** A poll without a tree: its largest part is 200 log lines. Only a larger one needs a report slot. */
const smallPollBytes = 4 << 20;

/** Polls of one machine within a minute, whatever its addresses are: an agent polls after each directive, and else every few seconds. */
const pollsPerMinute = 300;

/** A larger body is parsed in the thread; this one takes about a millisecond. */
const inlineBytes = 128 << 10;

/** The Dominator's side of a sub's poll: authenticate it, choose its directive, update the MDB. */
export function subApp(input: SubAppInput): Hono {
  const {
    store,
    images,
    log,
    caPem,
    policy = defaultSubPolicy,
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
    if (seed !== undefined) return context.json({ ...directive, seed });
    return answer(context, directive, { comparison: poll.comparison, compared, origin: originFor(machine, input) });
  });
  return app;
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

/** Decides before the first byte of a poll is read, because hundreds of megabytes may follow: who sends it, how often, how much. */
function admitPolls({
  store,
  clock,
  log,
  reportSlots,
}: SubAppInput & { readonly reportSlots: ReportSlots }): MiddlewareHandler {
  const rates: RequestRates = new Map();
  const [admitSmall, admitTree] = [limitBody(smallPollBytes), limitBody(maxSubMessageBytes)];
  return async (context, next) => {
    const machine = senderOf(context, store);
    if (machine === undefined) return stranger(context, store);
    const { id } = machine;
    const rate = admitRequest(rates, id, { perMinute: pollsPerMinute, nowMs: clock.monotonicMs() });
    if (rate.kind === "refused") {
      if (rate.say) log("warn", "an agent polls too often; further polls are refused for a while", { id });
      return context.json(tooManyPolls, 429, { "retry-after": String(rate.retryAfterSeconds), connection: "close" });
    }
    if (announcedBytes(context) <= smallPollBytes) return await admitSmall(context, next);
    const admission = reportSlots.admit(machine);
    if (admission.kind === "busy") {
      // The connection stays: closed under a body that is being sent, it would lose the answer.
      return context.json(busy, 503, { "retry-after": String(admission.retryAfterSeconds) });
    }
    if (admission.kind === "notRequested") {
      const reason = "the server did not request this tree, because it has restarted; it will request it again";
      return context.json({ kind: "wait", seconds: 1, reason } satisfies Directive);
    }
    using _room = admission.room;
    return await admitTree(context, next);
  };
}

/** The length that a request announces; 0 if it announces none, and then only a small body is read. */
function announcedBytes(context: Context): number {
  return announcedSize((name) => context.req.header(name)) ?? 0;
}

/** Parses a body here if it is small; a large one, and every requested tree, is the thread's work. */
async function readBody(
  body: Uint8Array<ArrayBuffer>,
  { id, requiredImage }: Machine,
  { images, tasks, packs, reportSlots }: SubAppInput & { readonly reportSlots: ReportSlots },
): Promise<ReadPoll> {
  const isRequested = reportSlots.isRequested(id);
  if (body.length <= inlineBytes) {
    const parsed = parsePoll(body);
    if (parsed.kind !== "poll") return parsed;
    const { tree, objects: _objects, ...poll } = parsed.poll;
    if (tree === undefined || !isRequested) return { kind: "poll", poll: plainPoll(poll) };
  }
  const image = requiredImage === undefined ? undefined : images.get(requiredImage);
  if (image === undefined) return await tasks.readPoll(body, { isRequested });
  const { name, manifest } = image;
  const stream = confidentialStream(image);
  const named = { name, path: images.pathOf(name), sha512: manifest.sha512 };
  return await tasks.readPoll(body, {
    ...{ isRequested, servers: packs?.serversFor(id, image) ?? { sources: [] } },
    image: { ...named, ...(stream === undefined ? {} : { confidentialStream: stream }) },
  });
}

/** The stream of a confidential image. */
function confidentialStream({ name, confidential }: ImageSummary): string | undefined {
  return confidential === true ? parseImageName(name)?.stream : undefined;
}

/** Where a machine's image is in packs, and who has them. */
function originFor(
  { id, requiredImage }: Machine,
  { packs, images }: Pick<SubAppInput, "packs" | "images">,
): PackOrigin | undefined {
  const image = requiredImage === undefined ? undefined : images.get(requiredImage);
  if (packs === undefined || image === undefined) return undefined;
  return { find: packs.find(confidentialStream(image)), ...packs.serversFor(id, image) };
}

/** What a poll says about the machine's tree: as the thread compared it, or as the sub did. */
function assessedReport(poll: SmallPoll, compared: ComparedTree | undefined): AssessedReport {
  const { comparison, ...report } = poll;
  if (compared !== undefined) return { ...report, compared: { ...compared, hasPlan: true } };
  if (comparison === undefined) return report;
  const { plan, ...own } = comparison;
  return { ...report, compared: { ...own, hasPlan: plan !== undefined } };
}

/** A large directive is sent in slices, because encrypting it at once would take milliseconds. */
function answer(
  context: Context,
  directive: SentDirective,
  {
    comparison,
    compared,
    origin,
  }: {
    readonly comparison: Comparison | undefined;
    readonly compared: ComparedTree | undefined;
    readonly origin: PackOrigin | undefined;
  },
): Response {
  const confidential = origin?.confidential;
  if (directive.kind === "compare" && confidential !== undefined)
    return context.json({ ...directive, confidentialPort: confidential.port });
  if (directive.kind !== "fetch" && directive.kind !== "update") return context.json(directive);
  if (compared !== undefined) {
    const headers = { "content-type": "application/json", "content-length": String(compared.directive.length) };
    return new Response(slicesOf(compared.directive), { headers });
  }
  if (comparison?.plan === undefined) throw new Error(`directive ${directive.kind}: expected a plan, found none`);
  return context.json(wholeDirective(directive, comparison.plan, origin));
}

/** A stopped update is compared again after this time, because each comparison reads the machine's disk. */
const stoppedSeconds = 300;

type Stop = Extract<PollDecision, { kind: "stop" }>;
type Wait = Extract<Directive, { kind: "wait" }>;

function waitForOperator({ reason }: Stop): Wait {
  return { kind: "wait", seconds: stoppedSeconds, reason: `stopped: ${reason}` };
}

function stopEvent({ id, hostname = id }: Machine, { image, reason, cause }: Stop): MachineEvent {
  const stopped = { kind: "failed", id, image } as const;
  if (cause === "rejectedKernel") {
    const again = `birther set ${hostname} requiredImage=FORMER, and then ${image} again`;
    return { ...stopped, step: "reboot", reason: `${reason}. Promote another version, or retry this kernel: ${again}` };
  }
  if (cause === "otherArchitecture") {
    const next = `give it another image: a rule with when.architecture, or birther set ${hostname} requiredImage=NAME`;
    return { ...stopped, step: "update", reason: `${reason}. Nothing was changed; ${next}` };
  }
  const next = `import a whole image and promote it, or force this one: birther set ${hostname} forcedImage=${image}`;
  return { ...stopped, step: "update", reason: `stopped before its first step: ${reason}. ${next}` };
}

type Trust = Parameters<typeof decideDirective>[0]["trust"];

function direct(
  machine: Machine,
  { poll, compared }: Extract<ReadPoll, { kind: "poll" }>,
  {
    images,
    policy,
    othersUpdate,
    trust,
  }: Pick<SubAppInput, "images" | "othersUpdate"> & { readonly policy: SubPolicy; readonly trust: Trust },
): PollDecision {
  const { requiredImage } = machine;
  const { outcome } = poll;
  return decideDirective({
    required: requiredImage,
    image: requiredImage === undefined ? undefined : images.get(requiredImage),
    architecture: machine.hardware?.architecture ?? defaultArchitecture,
    held: whyHeld(machine),
    left: othersUpdate === true && hasOwnSystem(machine) ? "an external Dominator updates this machine" : undefined,
    failure: outcome?.kind === "failed" && outcome.directive !== "upgradeAgent" ? outcome.reason : undefined,
    forced: machine.forcedImage,
    trust,
    report: assessedReport(poll, compared),
    policy,
  });
}

function waitFor(reason: string, { pollSeconds }: SubPolicy): Wait {
  return { kind: "wait", seconds: pollSeconds, reason };
}

const busy: Problem = {
  kind: "busy",
  title: "too many trees at once",
  detail: "the server reads only a few trees at a time, and one per machine; who has sent fewer comes first",
  next: "retry after the time in Retry-After",
};

const tooManyPolls: Problem = {
  kind: "busy",
  title: "too many polls",
  detail: `expected at most ${pollsPerMinute} polls of a machine within a minute`,
  next: "retry after the time in Retry-After",
};

function malformed(why: string): Problem {
  return {
    kind: "malformed",
    title: "invalid poll",
    detail: why.slice(0, 2000),
    next: "the agent and the server have different versions; rebirth the machine, or update the server",
  };
}

function newerThanServer(protocol: number): Problem {
  return {
    kind: "newerProtocol",
    title: "the agent speaks a newer protocol than this server",
    detail: `protocol: expected at most ${agentProtocol}, found ${protocol}`,
    next: "update this server to the version that installed the machine",
  };
}
