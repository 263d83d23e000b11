import * as host from "host";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurn } from "../../../contract/fetch-turn.ts";
import { paths } from "../../../contract/machine/paths.ts";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { agentProtocol } from "../../../core/image/filter.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { type FetchTurn, smallFetchBytes } from "../../../core/uplink/fetch-turn.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { isRefusal, pauseMsAfter } from "../../system/http.ts";
import type { MdbConnection } from "../mdb/connection.ts";
import type { Serving } from "../peers/serving.ts";
import { type NamedPeer, openSourceList } from "../peers/source-list.ts";
import type { SubContext } from "../sub-context.ts";

/** A server without turns does not know the path. */
const notFound = 404;
/** After a failure; a fetch that is under way goes on meanwhile. */
const failureMs = 60_000;

const retryMs = 5000;
/** A restart of the server takes less. */
const serverGoneMs = 600_000;

/** So long without any content, a machine waits for others that have nothing for it yet; then it goes on without them. */
const othersMs = 10_000;

/** A machine's turn to fetch: from whom, as the server decides and failures show. */
export type Turn = {
  /** Whom to ask for the next contents; "nobody": the machine is to poll instead. */
  readonly next: (doneBytes: number) => NamedPeer | "origin" | "nobody";
  /** Whom to ask at the same time; none or one of them: only the one that `next` names. */
  readonly atOnce: () => readonly NamedPeer[];
  /** To be called while contents arrive: says now and then how far the fetch is. Never fails. */
  readonly progressed: (doneBytes: number) => void;
  /** Whether the server or failures have made another machine, or the origin, the one to ask. */
  readonly isReplaced: (peer: NamedPeer) => boolean;
  readonly failed: (
    peer: Pick<NamedPeer, "machineId">,
    fault: { readonly isToBlame: boolean; readonly isOfNoUse: boolean; readonly stored: number },
  ) => void;
  /** Everything is there; to be called now and then as long as the machine serves it to others. Never fails. */
  readonly servesOn: () => void;
};

type Go = Extract<FetchTurn, { kind: "go" }>;

/** Waits until it is this machine's turn to fetch its image; undefined if it is to poll instead. */
export function takeTurn(
  context: SubContext,
  { mdb, serving }: { readonly mdb: MdbConnection; readonly serving: Serving },
  contents: readonly Content[],
): Turn | undefined {
  const totalBytes = contents.reduce((sum, { size }) => sum + size, 0);
  const list = openSourceList();
  let dueMs = 0;
  /** What the latest answer says, if it is not to go on. */
  let stopped: "waits" | "abandoned" | undefined;
  const latest = { doneBytes: 0, atMs: host.monotonicMs() };

  function ask(doneBytes: number): FetchTurn {
    const failedPeers = [...list.unreported()];
    const failures = failedPeers.length === 0 ? {} : { failedPeers };
    const offer = totalBytes <= smallFetchBytes ? {} : serving.offer();
    const answer = askForTurn(context, mdb, { totalBytes, doneBytes, ...offer, ...failures });
    list.reported(failedPeers);
    return answer;
  }
  function take(turn: Go): void {
    stopped = undefined;
    list.named(turn);
    serving.apply(turn);
    dueMs = host.monotonicMs() + turn.reportSeconds * 1000;
  }
  function progressed(doneBytes: number): void {
    if (host.monotonicMs() < dueMs) return;
    try {
      const answer = ask(doneBytes);
      if (answer.kind === "go") take(answer);
      else {
        stopped = answer.kind === "wait" ? "waits" : "abandoned";
        list.named({});
        dueMs = Number.POSITIVE_INFINITY;
      }
    } catch (error) {
      context.log("warn", "reporting the progress of a fetch failed", { fault: messageOf(error) });
      dueMs = host.monotonicMs() + failureMs;
    }
  }
  /** All of an image behind one slow machine must not turn to the server at once. */
  function waitForOthers(doneBytes: number): void {
    if (doneBytes > latest.doneBytes) Object.assign(latest, { doneBytes, atMs: host.monotonicMs() });
    while (list.best() === undefined && list.isAnySkipped() && host.monotonicMs() - latest.atMs < othersMs) {
      pauseSeconds(context, 1);
      progressed(doneBytes);
    }
  }
  function next(doneBytes: number): NamedPeer | "origin" | "nobody" {
    waitForOthers(doneBytes);
    if (list.best() === undefined && list.unreported().length > 0) {
      dueMs = 0;
      progressed(doneBytes);
    }
    if (stopped === "waits") {
      const turn = waitForTurn(context, () => ask(doneBytes));
      if (turn === undefined) stopped = "abandoned";
      else take(turn);
    }
    return stopped === "abandoned" ? "nobody" : (list.best() ?? "origin");
  }

  const turn = waitForTurn(context, () => ask(0));
  if (turn === undefined) return undefined;
  take(turn);
  return {
    ...{ next, progressed, atOnce: list.atOnce },
    servesOn: () => {
      if (latest.doneBytes < totalBytes) dueMs = 0;
      latest.doneBytes = totalBytes;
      progressed(totalBytes);
    },
    isReplaced: ({ machineId }) => list.best()?.machineId !== machineId,
    failed: ({ machineId }, { isToBlame, isOfNoUse, stored }) => {
      const isInVain = isOfNoUse || (stored === 0 && host.monotonicMs() - latest.atMs >= othersMs);
      list.failed(machineId, isToBlame ? "toBlame" : isInVain ? "noUse" : "unready");
    },
  };
}

/** Asks until it is the machine's turn; undefined if it is to poll instead. */
function waitForTurn(context: SubContext, ask: () => FetchTurn): Go | undefined {
  const { log } = context;
  let lastReason = "";
  for (;;) {
    const answer = askPatiently(context, ask);
    if (answer === undefined) return undefined;
    switch (answer.kind) {
      case "go":
        return answer;
      case "abandon":
        log("info", "not fetched", { reason: answer.reason });
        return undefined;
      case "wait":
        if (answer.reason !== lastReason) log("info", "waiting to fetch", { reason: answer.reason });
        lastReason = answer.reason;
        pauseSeconds(context, answer.seconds);
    }
  }
}

/** A server that restarts is waited for: polling instead would have every waiting machine send its tree again. */
function askPatiently(context: SubContext, ask: () => FetchTurn): FetchTurn | undefined {
  const { log } = context;
  const startMs = host.monotonicMs();
  for (;;) {
    try {
      return ask();
    } catch (error) {
      log("warn", "asking for the turn to fetch failed", { fault: messageOf(error) });
      if (isRefusal(error) || host.monotonicMs() - startMs > serverGoneMs) return undefined;
      pauseSeconds(context, pauseMsAfter(error, retryMs) / 1000);
    }
  }
}

function pauseSeconds({ alive }: SubContext, seconds: number): void {
  for (let second = 0; second < Math.max(1, seconds); second += 1) {
    alive();
    sleepMs(1000);
  }
}

function askForTurn(
  { settings }: SubContext,
  mdb: MdbConnection,
  progress: Omit<FetchTurnRequest, "protocol" | "machineId">,
): FetchTurn {
  const request: FetchTurnRequest = { protocol: agentProtocol, machineId: settings.machineId, ...progress };
  const { status, body, retryAfterSeconds } = mdb.post(paths.fetchTurn, request);
  if (status === notFound) return { kind: "go", reportSeconds: 3600 };
  if (status !== 200) {
    const reason = `turn to fetch: expected status 200, found ${status}: ${JSON.stringify(body)}`;
    throw Object.assign(new Error(reason), { status, retryAfterSeconds });
  }
  const parsed = v.safeParse(fetchTurn, body, faultMessages);
  if (parsed.success) return parsed.output;
  throw new Error(`turn to fetch: expected an answer of the contract; ${faultsOf(parsed.issues, "answer")}`);
}
