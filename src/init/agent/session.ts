import * as host from "host";
import * as v from "valibot";
import { paths } from "../../contract/machine-facing.ts";
import {
  directive,
  maxSubMessageBytes,
  type SubOutcome,
  type SubPollRequest,
  type SubSettings,
  subSettings,
} from "../../contract/sub.ts";
import { parseEndpoint } from "../../core/birth/boot-settings.ts";
import { agentProtocol, subFilter } from "../../core/image/filter.ts";
import { isPlainPath } from "../../core/image/tree.ts";
import type { Directive } from "../../core/image/update/directive.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { readText } from "../system/files.ts";
import { openHttp } from "../system/http.ts";
import { openHttps } from "../system/https.ts";
import { fetchObjects } from "./fetch.ts";
import { openObjectCache } from "./object-cache.ts";
import { agentPaths } from "./paths.ts";
import { isPidOne } from "./pid-one.ts";
import { restart } from "./restart.ts";
import { freeBytes, scanTree } from "./scan.ts";
import { isRebootPending, readPatchedImage } from "./state.ts";
import type { SubContext } from "./sub-context.ts";
import { carryOutUpdate } from "./update.ts";

/** The contract's limit; more than these have not been heard by anyone and are not worth a refusal. */
const maxLogLines = 200;
/** Another tree than the machine's own is not restarted: its next turn can wait. */
const otherRootSeconds = 5;

/** Reads /etc/birther/sub.json; an Error says what is wrong with it. */
export function readSubSettings(root: string): SubSettings {
  const path = `${root}${agentPaths.settings}`;
  const parsed = v.safeParse(subSettings, JSON.parse(readText(path)));
  if (!parsed.success) throw new Error(`${path}: ${JSON.stringify(v.flatten(parsed.issues))}`);
  return parsed.output;
}

/** The talk with the Dominator. `turn` asks once what to do, does it, and gives the seconds to wait before the next. */
export type Session = { readonly turn: () => number };

/** Opens the talk; connects at the first turn. */
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
  let seen: Pick<SubPollRequest, "tree"> = {};
  let outcome: SubOutcome | undefined;
  let lastReason = "";

  function ask(): Directive {
    const patchedImage = readPatchedImage(root);
    const request: SubPollRequest = {
      protocol: agentProtocol,
      machineId: settings.machineId,
      running,
      kernel,
      ...(patchedImage === undefined ? {} : { patchedImage }),
      rebootPending: isRebootPending(root),
      secondsSinceCheck: Math.floor((host.monotonicMs() - checkedAtMs) / 1000),
      freeBytes: freeBytes(root),
      ...seen,
      ...(seen.tree === undefined ? {} : { objects: [...cache.verified()] }),
      ...(outcome === undefined ? {} : { outcome }),
    };
    const lines = takeLines().slice(-maxLogLines);
    if (lines.length > 0) request.log = [...lines];
    const { status, body } = mdb.post(paths.subPoll, request, settings.token);
    if (status !== 200) throw new Error(`poll: status ${status}: ${JSON.stringify(body)}`);
    outcome = undefined;
    const parsed = v.safeParse(directive, body);
    if (!parsed.success)
      throw new Error(
        `a directive that the contract does not have: ${JSON.stringify(v.flatten(parsed.issues)).slice(0, 1000)}`,
      );
    return parsed.output;
  }

  function runStep(order: Directive): number {
    switch (order.kind) {
      case "wait":
        seen = {};
        if (order.reason !== lastReason) log("info", "waiting", { reason: order.reason });
        lastReason = order.reason;
        return order.seconds;
      case "report": {
        const tree = scanTree(context, subFilter(order.filter, agentProtocol));
        checkedAtMs = host.monotonicMs();
        // The contract's arrays are mutable ones.
        seen = { tree: tree as NonNullable<SubPollRequest["tree"]> };
        log("info", "scanned", { entries: tree.entries.length });
        return 0;
      }
      case "fetch":
        fetchObjects(context, objects, cache, order.objects);
        return 0;
      case "update":
        demandPlainPaths(order);
        carryOutUpdate(context, cache, order);
        seen = {};
        return 0;
      case "reboot":
        return root === "" ? restart(context) : otherRootSeconds;
    }
  }

  function turn(): number {
    alive();
    const order = ask();
    if (order.kind !== "wait") log("info", "told to", { do: order.kind });
    const startMs = host.monotonicMs();
    try {
      const seconds = runStep(order);
      const durationMs = Math.round(host.monotonicMs() - startMs);
      if (order.kind !== "wait")
        outcome = { kind: "done", directive: order.kind, durationMs, detail: `${order.kind} done` };
      return seconds;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      seen = {};
      outcome = { kind: "failed", directive: order.kind, reason: reason.slice(0, 2000) };
      log("error", "failed", { doing: order.kind, reason });
      // The MDB hears of it at once, and says how long to wait.
      return 0;
    }
  }
  return { turn };
}

/** Nothing that is no plain path reaches the file-system, whoever sent it. */
function demandPlainPaths(order: Extract<Directive, { kind: "update" }>): void {
  for (const step of order.steps) {
    const paths = step.kind === "placeLink" ? [step.path, step.existing] : [step.path];
    for (const path of paths)
      if (!isPlainPath(path)) throw new Error(`${JSON.stringify(path)} is no path for an update`);
  }
}

function endpoint(text: string): { readonly address: string; readonly port: number } {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new Error(`${text} is not ADDRESS:PORT`);
  return { address: formatIpv4(parsed.address), port: parsed.port };
}
