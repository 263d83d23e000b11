import * as host from "host";
import type { SubOutcome } from "../../../contract/sub.ts";
import { agentProtocol, type Filter, subFilter } from "../../../core/image/filter.ts";
import type { ImageManifest } from "../../../core/image/manifest.ts";
import { isPlainPath, type Tree } from "../../../core/image/tree.ts";
import { compareTree, comparisonOf } from "../../../core/image/update/compare.ts";
import type { Directive, FetchContents, SubReport } from "../../../core/image/update/directive.ts";
import { scanPauseSeconds } from "../../../core/image/update/scan-pause.ts";
import { protectMountPoints } from "../../../core/install/machine-volumes.ts";
import { messageOf } from "../../birth/stop.ts";
import { openKernelKeeper } from "../boot/kernel-keeper.ts";
import { keepRunningModules } from "../boot/running-modules.ts";
import { fetchObjects } from "../objects/fetch.ts";
import { type Turn, takeTurn } from "../objects/fetch-turn.ts";
import { loadManifest } from "../objects/manifest.ts";
import { type ObjectCache, openObjectCache } from "../objects/object-cache.ts";
import { type ObjectServer, openObjectServer } from "../objects/object-server.ts";
import { openPackSources } from "../objects/pack-sources.ts";
import { portsFor, sourcesFor } from "../objects/sources.ts";
import { openSeeding, type Seeding } from "../peers/seeding.ts";
import { openServing } from "../peers/serving.ts";
import { restart } from "../restart.ts";
import { type Scan, scanTree } from "../scan/scan.ts";
import type { SubContext } from "../sub-context.ts";
import { updateProgress } from "../update/update-progress.ts";
import { updateServing } from "../update/update-serving.ts";
import { confirmTrial, upgradeAgent } from "../versions/upgrade.ts";
import { readVolumes } from "../volumes/read-volumes.ts";
import { type MdbConnection, openMdbConnection } from "./connection.ts";
import { openPoll } from "./poll.ts";
import { type MdbServers, openMdbServers } from "./servers.ts";
import { takeTrust } from "./trust.ts";

/** Another tree than the machine's own is not restarted, so its next turn can wait. */
const otherRootSeconds = 5;

/** Pause between two polls while a directive is carried out: after a minute of silence, nobody is sent to this machine for contents. */
const pollWhileBusyMs = 20_000;

/** Longer than any interval of checks. */
const longSeconds = 10 * 365 * 86_400;

/** What follows a turn: seconds to wait before the next one; or another version of the agent is to run now. */
export type Next = number | "replaced";

/** The session with the Dominator. `turn` asks for a directive and carries it out. */
export type Session = { readonly turn: () => Next };

/** What the latest scan found, and what for. */
type Seen =
  | { readonly kind: "nothing" }
  | { readonly kind: "tree"; readonly scan: Scan; readonly filter: Filter }
  | {
      readonly kind: "comparison";
      readonly scan: Scan;
      readonly filter: Filter;
      readonly image: ImageManifest;
      /** SHA-512 of the image's manifest. */
      readonly manifest: string;
    };

/** What a session remembers between two turns. */
type Memory = {
  /** When the root was last scanned, on the monotonic clock. */
  checkedAtMs: number;
  seen: Seen;
  /** The result of the latest directive, until a poll has reported it. */
  outcome: SubOutcome | undefined;
  /** Why the Dominator let this machine wait. */
  waitReason: string;
  hasFetchFailed: boolean;
  /** Scans since the latest directive of another kind. */
  scans: number;
};

function nothingSeen(): Memory {
  return {
    checkedAtMs: host.monotonicMs(),
    seen: { kind: "nothing" },
    outcome: undefined,
    waitReason: "",
    hasFetchFailed: false,
    scans: 0,
  };
}

/** Opens the session; connects at the first turn. */
export function openSession(context: SubContext): Session {
  const { log, alive } = context;
  const servers = openMdbServers(context);
  const mdb = openMdbConnection(context, servers);
  const cache = openObjectCache(context);
  cache.dropServed();
  const objects = openObjectServer(context, servers);
  const seeding = openSeeding(context, { objects, cache });
  const poll = openPoll(context, mdb, { seeding, cache });
  const memory = nothingSeen();
  const secondsSinceCheck = () => Math.min(longSeconds, Math.floor((host.monotonicMs() - memory.checkedAtMs) / 1000));
  const kernels = openKernelKeeper(context);
  const progressed = updateProgress(poll, log, secondsSinceCheck);
  const means = { mdb, servers, objects, cache, seeding, pollMeanwhile, progressed };
  const runDirective = directiveRunner(context, means, memory);
  let polledMs = memory.checkedAtMs;

  /**
   * To be called in a comparison, because large files take minutes to hash and the MDB must not take this machine for silent:
   * polls, and does not obey.
   */
  function pollMeanwhile(): void {
    alive();
    if (host.monotonicMs() - polledMs < pollWhileBusyMs) return;
    polledMs = host.monotonicMs();
    try {
      poll.ask({ secondsSinceCheck: secondsSinceCheck() });
    } catch (error) {
      log("warn", "polling the MDB during a directive failed", { fault: messageOf(error) });
    }
  }
  function ask(): Directive {
    const { seen, outcome } = memory;
    polledMs = host.monotonicMs();
    const order = poll.ask({
      secondsSinceCheck: secondsSinceCheck(),
      ...describe(seen, cache),
      ...(outcome === undefined ? {} : { outcome }),
    });
    memory.outcome = undefined;
    if (order.kind === "wait") servers.keep(order.mdbs ?? []);
    confirmTrial(context);
    // The former kernel's modules can go now.
    if (kernels.confirm()) memory.checkedAtMs = Number.NEGATIVE_INFINITY;
    // Last: a TPM that hangs must not keep a new kernel or agent from being confirmed.
    poll.keepKeySealed();
    return order;
  }
  function turn(): Next {
    alive();
    kernels.check();
    const order = ask();
    if (order.kind !== "wait") log("info", "directive received", { directive: order.kind });
    const startMs = host.monotonicMs();
    try {
      const seconds = runDirective(order);
      const durationMs = Math.round(host.monotonicMs() - startMs);
      if (order.kind !== "wait")
        memory.outcome = { kind: "done", directive: order.kind, durationMs, detail: `${order.kind} done` };
      return seconds;
    } catch (error) {
      const reason = messageOf(error);
      memory.seen = { kind: "nothing" };
      if (order.kind === "fetch") memory.hasFetchFailed = true;
      memory.outcome = { kind: "failed", directive: order.kind, reason: reason.slice(0, 2000) };
      log("error", "directive failed", { directive: order.kind, reason });
      // Poll again at once: the report reaches the MDB, and its answer says how long to wait.
      return 0;
    }
  }
  return { turn };
}

/** The part of a poll that tells what the scan found. */
function describe(seen: Seen, cache: ObjectCache): Pick<SubReport, "tree" | "objects" | "comparison"> {
  switch (seen.kind) {
    case "nothing":
      return {};
    case "tree":
      return { tree: seen.scan.tree, objects: cache.verified() };
    case "comparison": {
      const state = { have: seen.scan.tree, objects: cache.verified(), protocol: agentProtocol };
      return { comparison: comparisonOf(seen.manifest, compareTree(state, seen.image)) };
    }
  }
}

/** What directives are carried out with. */
type Means = {
  readonly mdb: MdbConnection;
  readonly servers: MdbServers;
  readonly objects: ObjectServer;
  readonly cache: ObjectCache;
  readonly seeding: Seeding;
  readonly pollMeanwhile: () => void;
  readonly progressed: (done: number, total: number) => void;
};

/** Carries out directives and returns what follows; throws if one fails. */
function directiveRunner(
  context: SubContext,
  { mdb, servers, objects, cache, seeding, pollMeanwhile, progressed }: Means,
  memory: Memory,
): (order: Directive) => Next {
  const { root, log } = context;
  const packSources = openPackSources(() => servers.contents().address);
  const serving = openServing(context, cache);
  let turn: Turn | undefined;

  function scan(
    lines: readonly string[],
    image?: Tree,
    alive = context.alive,
  ): { readonly scan: Scan; readonly filter: Filter } {
    const own = protectMountPoints(subFilter(lines, agentProtocol), readVolumes(root).volumes);
    const filter = image === undefined ? own : keepRunningModules(own, image);
    const found = scanTree({ ...context, alive }, { filter, ...(image === undefined ? {} : { image }) });
    memory.checkedAtMs = host.monotonicMs();
    log("info", "scanned", { entries: found.tree.entries.length });
    return { scan: found, filter };
  }
  return (order) => {
    memory.scans = order.kind === "report" || order.kind === "compare" ? memory.scans + 1 : 0;
    seedAs(seeding, order);
    switch (order.kind) {
      case "wait":
        // Nothing is to be fetched.
        if (order.upToDate === true) cache.begun.drop();
        noteWait(order, memory, log);
        return order.seconds;
      case "report":
        // After a comparison with too many differences, the image is known.
        memory.seen = {
          kind: "tree",
          ...scan(order.filter, memory.seen.kind === "comparison" ? memory.seen.image.tree : undefined),
        };
        return scanPauseSeconds(memory.scans);
      case "compare": {
        objects.prefer(portsFor(order));
        const image = loadManifest(context, objects, order.manifest);
        // Only here: asked during a report, the server would ask for a comparison, and then refuse the tree.
        const seen = scan(image.filter, image.tree, pollMeanwhile);
        memory.seen = { kind: "comparison", ...seen, image, manifest: order.manifest.sha512 };
        return scanPauseSeconds(memory.scans);
      }
      case "fetch": {
        turn = takeTurn(context, { mdb, serving }, order.objects);
        if (turn === undefined) return 0;
        objects.prefer(portsFor(order));
        const packs = { names: order.packs ?? [], sources: packSources(sourcesFor(order, objects, context)) };
        const contents = draftsFirst(cache, order);
        fetchObjects(context, objects, cache, { contents, oneBatch: memory.hasFetchFailed, turn, packs });
        memory.hasFetchFailed = false;
        return 0;
      }
      case "update":
        updateServing(context, { cache, serving, turn, scan: demandPaths(order, memory.seen), progressed }, order);
        memory.seen = { kind: "nothing" };
        return 0;
      case "trust":
        takeTrust(root, order.caPem);
        return 0;
      case "reboot":
        serving.stop();
        return root === "" ? restart(context) : otherRootSeconds;
      case "upgradeAgent":
        upgradeAgent(context, objects, cache, order);
        return "replaced";
    }
  };
}

function noteWait({ reason }: Extract<Directive, { kind: "wait" }>, memory: Memory, log: SubContext["log"]): void {
  memory.seen = { kind: "nothing" };
  if (reason !== memory.waitReason) log("info", "waiting", { reason });
  memory.waitReason = reason;
}

/** Contents with a draft of an earlier process come first, each as the first of its request; drafts of other contents are removed. */
function draftsFirst({ begun }: ObjectCache, { objects }: FetchContents): FetchContents["objects"] {
  begun.keepDrafts(objects);
  const byDraft = (hasDraft: boolean) => objects.filter(({ sha512 }) => begun.hasDraft(sha512) === hasDraft);
  return [...byDraft(true), ...byDraft(false)];
}

/** A comparison changes nothing; before anything else, nothing is served any more. */
function seedAs(seeding: Seeding, order: Directive): void {
  if (order.kind === "wait") seeding.apply(order.seed);
  else if (order.kind !== "compare") seeding.stop();
}

/**
 * Throws if an update has an invalid path, or one that the filter of the scan protects; no such path reaches the file system,
 * whatever its source. Returns the scan that the update is based on.
 */
function demandPaths(order: Extract<Directive, { kind: "update" }>, seen: Seen): Scan {
  if (seen.kind === "nothing") throw new Error("update: expected a scan before it, found none");
  for (const step of order.steps) {
    const paths = step.kind === "placeLink" ? [step.path, step.existing] : [step.path];
    for (const path of paths)
      if (!isPlainPath(path)) throw new Error(`update: expected a plain absolute path, found ${JSON.stringify(path)}`);
      else if (seen.filter.protects(path)) throw new Error(`update: expected no protected path, found ${path}`);
  }
  return seen.scan;
}
