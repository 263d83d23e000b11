import * as host from "host";
import * as v from "valibot";
import { paths } from "../../contract/machine-facing.ts";
import { directive, maxSubMessageBytes, type SubOutcome, type SubPoll } from "../../contract/sub.ts";
import { parseEndpoint } from "../../core/birth/boot-settings.ts";
import { agentProtocol, subFilter } from "../../core/image/filter.ts";
import type { ImageManifest } from "../../core/image/manifest.ts";
import { isPlainPath, type SeenTree } from "../../core/image/tree.ts";
import { compareTree, comparisonOf } from "../../core/image/update/compare.ts";
import type { Directive, SubReport } from "../../core/image/update/directive.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { readText } from "../system/files.ts";
import { openHttp } from "../system/http.ts";
import { openHttps } from "../system/https.ts";
import { fetchObjects } from "./fetch.ts";
import { loadManifest } from "./manifest.ts";
import { type ObjectCache, openObjectCache } from "./object-cache.ts";
import { agentPaths } from "./paths.ts";
import { isPidOne } from "./pid-one.ts";
import { restart } from "./restart.ts";
import { freeBytes, scanTree } from "./scan.ts";
import { isRebootPending, readPatchedImage } from "./state.ts";
import type { SubContext } from "./sub-context.ts";
import { applyUpdate } from "./update.ts";

/** The contract's limit; failures beyond it are not worth a refused poll. */
const maxLogLines = 200;
/** Another tree than the machine's own is not restarted, so its next turn can wait. */
const otherRootSeconds = 5;

/**
 * The session with the Dominator. `turn` asks for a directive, carries it out, and returns the seconds to wait before
 * the next turn.
 */
export type Session = { readonly turn: () => number };

/** What the latest scan found, and what for. */
type Seen =
  | { readonly kind: "nothing" }
  | { readonly kind: "tree"; readonly tree: SeenTree }
  | {
      readonly kind: "comparison";
      readonly tree: SeenTree;
      readonly image: ImageManifest;
      /** SHA-512 of the image's manifest. */
      readonly manifest: string;
    };

/** The part of a poll that tells what the scan found. */
function describe(seen: Seen, cache: ObjectCache): Pick<SubReport, "tree" | "objects" | "comparison"> {
  switch (seen.kind) {
    case "nothing":
      return {};
    case "tree":
      return { tree: seen.tree, objects: cache.verified() };
    case "comparison": {
      const state = { have: seen.tree, objects: cache.verified(), protocol: agentProtocol };
      return { comparison: comparisonOf(seen.manifest, compareTree(state, seen.image)) };
    }
  }
}

/** Opens the session; connects at the first turn. */
export function openSession(context: SubContext): Session {
  const { root, settings, log, takeLines, alive } = context;
  const caPem = readText(`${root}${agentPaths.caCertificate}`);
  const mdb = openHttps({
    ...endpoint(settings.mdb),
    caPem,
    serverName: settings.serverName,
    maxAnswerBytes: maxSubMessageBytes,
  });
  const objects = openHttp(endpoint(settings.http));
  const cache = openObjectCache(context);
  const kernel = readText("/proc/sys/kernel/osrelease").trim();
  const running = isPidOne() ? "birth" : "image";
  let checkedAtMs = host.monotonicMs();
  let seen: Seen = { kind: "nothing" };
  let outcome: SubOutcome | undefined;
  let lastReason = "";
  /** Lines that the MDB has not accepted yet. */
  let unsent: readonly string[] = [];
  let fetchFailed = false;

  function ask(): Directive {
    const patchedImage = readPatchedImage(root);
    unsent = [...unsent, ...takeLines()].slice(-maxLogLines);
    const request: SubPoll = {
      protocol: agentProtocol,
      machineId: settings.machineId,
      running,
      kernel,
      ...(patchedImage === undefined ? {} : { patchedImage }),
      rebootPending: isRebootPending(root),
      secondsSinceCheck: Math.floor((host.monotonicMs() - checkedAtMs) / 1000),
      freeBytes: freeBytes(root),
      ...describe(seen, cache),
      ...(outcome === undefined ? {} : { outcome }),
      ...(unsent.length === 0 ? {} : { log: unsent }),
    };
    const { status, body } = mdb.post(paths.subPoll, request, settings.token);
    // A poll that the server cannot read would be refused again.
    if (status === 400) unsent = [];
    if (status !== 200) throw new Error(`poll: expected status 200, found ${status}: ${JSON.stringify(body)}`);
    outcome = undefined;
    unsent = [];
    const parsed = v.safeParse(directive, body);
    if (!parsed.success)
      throw new Error(
        `poll: expected a directive of the contract, found ${JSON.stringify(v.flatten(parsed.issues)).slice(0, 1000)}`,
      );
    return parsed.output;
  }

  function scan(filter: readonly string[]): SeenTree {
    const tree = scanTree(context, subFilter(filter, agentProtocol));
    checkedAtMs = host.monotonicMs();
    log("info", "scanned", { entries: tree.entries.length });
    return tree;
  }

  function runStep(order: Directive): number {
    switch (order.kind) {
      case "wait":
        seen = { kind: "nothing" };
        if (order.reason !== lastReason) log("info", "waiting", { reason: order.reason });
        lastReason = order.reason;
        return order.seconds;
      case "report":
        seen = { kind: "tree", tree: scan(order.filter) };
        return 0;
      case "compare": {
        const image = loadManifest(context, objects, order.manifest);
        seen = { kind: "comparison", tree: scan(image.filter), image, manifest: order.manifest.sha512 };
        return 0;
      }
      case "fetch":
        fetchObjects(context, objects, cache, { contents: order.objects, oneBatch: fetchFailed });
        fetchFailed = false;
        return 0;
      case "update":
        demandPlainPaths(order);
        applyUpdate(context, cache, order);
        seen = { kind: "nothing" };
        return 0;
      case "reboot":
        return root === "" ? restart(context) : otherRootSeconds;
    }
  }

  function turn(): number {
    alive();
    const order = ask();
    if (order.kind !== "wait") log("info", "directive received", { directive: order.kind });
    const startMs = host.monotonicMs();
    try {
      const seconds = runStep(order);
      const durationMs = Math.round(host.monotonicMs() - startMs);
      if (order.kind !== "wait")
        outcome = { kind: "done", directive: order.kind, durationMs, detail: `${order.kind} done` };
      return seconds;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      seen = { kind: "nothing" };
      if (order.kind === "fetch") fetchFailed = true;
      outcome = { kind: "failed", directive: order.kind, reason: reason.slice(0, 2000) };
      log("error", "directive failed", { directive: order.kind, reason });
      // Poll again at once: the report reaches the MDB, and its answer says how long to wait.
      return 0;
    }
  }
  return { turn };
}

/** Throws if an update has an invalid path; no such path reaches the file system, whatever its source. */
function demandPlainPaths(order: Extract<Directive, { kind: "update" }>): void {
  for (const step of order.steps) {
    const paths = step.kind === "placeLink" ? [step.path, step.existing] : [step.path];
    for (const path of paths)
      if (!isPlainPath(path)) throw new Error(`update: expected a plain absolute path, found ${JSON.stringify(path)}`);
  }
}

function endpoint(text: string): { readonly address: string; readonly port: number } {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new Error(`sub.json: expected ADDRESS:PORT, found ${text}`);
  return { address: formatIpv4(parsed.address), port: parsed.port };
}
