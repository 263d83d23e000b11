import * as host from "host";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurn } from "../../../contract/fetch-turn.ts";
import { paths } from "../../../contract/machine-facing.ts";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { agentProtocol } from "../../../core/image/filter.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { FetchTurn } from "../../../core/uplink/fetch-turn.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { isRefusal, pauseMsAfter } from "../../system/http.ts";
import type { MdbConnection } from "../mdb-connection.ts";
import type { SubContext } from "../sub-context.ts";

/** A server without turns does not know the path. */
const notFound = 404;
/** After a failure; a fetch that is under way goes on meanwhile. */
const failureMs = 60_000;

const retryMs = 5000;
/** A restart of the server takes less. */
const serverGoneMs = 600_000;

/** A machine's turn at the uplink. */
export type Turn = {
  /** To be called while contents arrive: says now and then how far the fetch is. Never fails. */
  readonly progressed: (doneBytes: number) => void;
};

/** Waits until it is this machine's turn to fetch its image; undefined if it is to poll instead. */
export function takeTurn(context: SubContext, mdb: MdbConnection, contents: readonly Content[]): Turn | undefined {
  const { log, alive } = context;
  const totalBytes = contents.reduce((sum, { size }) => sum + size, 0);
  const ask = (doneBytes: number) => askForTurn(context, mdb, { totalBytes, doneBytes });
  let lastReason = "";
  let answeredMs = host.monotonicMs();
  for (;;) {
    const answer = askPatiently();
    if (answer === undefined) return undefined;
    switch (answer.kind) {
      case "go":
        return { progressed: reporter(ask, answer.reportSeconds, context) };
      case "abandon":
        log("info", "not fetched", { reason: answer.reason });
        return undefined;
      case "wait":
        if (answer.reason !== lastReason) log("info", "waiting to fetch", { reason: answer.reason });
        lastReason = answer.reason;
        pauseSeconds(answer.seconds);
    }
  }

  function pauseSeconds(seconds: number): void {
    for (let second = 0; second < Math.max(1, seconds); second += 1) {
      alive();
      sleepMs(1000);
    }
  }
  /** A server that restarts is waited for: polling instead would have every waiting machine send its tree again. */
  function askPatiently(): FetchTurn | undefined {
    for (;;) {
      try {
        const answer = ask(0);
        answeredMs = host.monotonicMs();
        return answer;
      } catch (error) {
        log("warn", "asking for the turn to fetch failed", { fault: messageOf(error) });
        if (isRefusal(error) || host.monotonicMs() - answeredMs > serverGoneMs) return undefined;
        pauseSeconds(pauseMsAfter(error, retryMs) / 1000);
      }
    }
  }
}

function reporter(ask: (doneBytes: number) => FetchTurn, reportSeconds: number, { log }: SubContext) {
  const reportMs = reportSeconds * 1000;
  let dueMs = host.monotonicMs() + reportMs;
  return (doneBytes: number) => {
    if (host.monotonicMs() < dueMs) return;
    try {
      ask(doneBytes);
      dueMs = host.monotonicMs() + reportMs;
    } catch (error) {
      log("warn", "reporting the progress of a fetch failed", { fault: messageOf(error) });
      dueMs = host.monotonicMs() + failureMs;
    }
  };
}

function askForTurn(
  { settings }: SubContext,
  mdb: MdbConnection,
  progress: Pick<FetchTurnRequest, "totalBytes" | "doneBytes">,
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
