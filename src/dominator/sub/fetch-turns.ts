import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurnRequest } from "../../contract/fetch-turn.ts";
import { type Problem, paths } from "../../contract/machine-facing.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { emptyFetchQueue, stepFetchQueue, systemImageRules } from "../../core/uplink/fetch-queue.ts";
import type { FetchTurn } from "../../core/uplink/fetch-turn.ts";
import type { WaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { applyOrLog } from "./apply-or-log.ts";
import { senderOf, stranger, whyHeld } from "./sender.ts";

/** How often an agent says how far it is. */
const reportSeconds = 20;
/** A request has a few numbers. */
const maxRequestBytes = 4096;

/** As much is fetched at once: the change of a few files must not wait for whole images. */
const smallFetchBytes = 4 << 20;
/** A waiting machine asks at most every three seconds. */
const requestsPerMinute = 60;

/** Which machines fetch their system image now, and which wait. */
export type FetchTurns = {
  readonly app: Hono;
  /** A machine has got another task: it does not fetch any more. */
  readonly ended: (id: MachineId) => void;
};

/** A machine that fetches or waits. */
type Fetcher = { readonly image: string | undefined; readonly doneBytes: number; readonly mayFetch: boolean };

type Progress = Pick<FetchTurnRequest, "totalBytes" | "doneBytes">;

const goOn: FetchTurn = { kind: "go", reportSeconds };

export function openFetchTurns(deps: {
  readonly store: Pick<Store, "get" | "unreadableWith" | "apply">;
  /** Bandwidth of this server's uplink, if the configuration names it. */
  readonly bytesPerSecond?: number;
  /** Whether machines wait for boot images, which go first. */
  readonly bootImagesWait: () => boolean;
  readonly notes: Pick<WaitingNotes, "waits" | "waitsNoMore">;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}): FetchTurns {
  const { store, bytesPerSecond, bootImagesWait, notes, clock, log } = deps;
  const fetchers = new Map<MachineId, Fetcher>();
  let line = emptyFetchQueue;

  const now = () => ({
    nowMs: clock.monotonicMs(),
    rules: systemImageRules({ bytesPerSecond, bootImagesWait: bootImagesWait() }),
  });
  function ended(id: MachineId): void {
    if (!fetchers.delete(id)) return;
    ({ line } = stepFetchQueue(line, { kind: "left", who: id }, now()));
    notes.waitsNoMore(id);
  }
  /** The place of a machine that fetches this many more bytes. */
  async function turnOf(machine: Machine, progress: Progress): Promise<FetchTurn> {
    const { id, requiredImage: image } = machine;
    const known = fetchers.get(id);
    if (known !== undefined && known.image !== image) {
      ended(id);
      return { kind: "abandon", reason: `it is to run ${image ?? "no image"} now` };
    }
    const { totalBytes, doneBytes } = progress;
    const leftBytes = totalBytes - doneBytes;
    if (leftBytes <= 0) ended(id);
    if (leftBytes <= 0 || (known === undefined && leftBytes <= smallFetchBytes)) return goOn;
    const sentBytes = Math.max(0, doneBytes - (known?.doneBytes ?? doneBytes));
    if (known !== undefined) ({ line } = stepFetchQueue(line, { kind: "sent", who: id, bytes: sentBytes }, now()));
    const { line: next, answer } = stepFetchQueue(line, { kind: "asked", who: id, bytes: leftBytes }, now());
    line = next;
    const mayFetch = answer?.kind !== "wait" || known?.mayFetch === true;
    fetchers.set(id, { image, doneBytes, mayFetch });
    await applyOrLog(store, { kind: "subSeen", id, upToDate: false }, log);
    // One that was slow for so long that others took its slot goes on all the same.
    if (answer?.kind !== "wait" || mayFetch) {
      if (known?.mayFetch === false) {
        notes.waitsNoMore(id);
        // The time that it waited does not count as time that it fetched.
        await applyOrLog(store, { kind: "phaseSeen", id, phase: "fetching", detail: "its turn has come" }, log);
      }
      return goOn;
    }
    const { position, estimatedSeconds, retryAfterSeconds: seconds } = answer;
    const left = estimatedSeconds === undefined ? "" : `, about ${estimatedSeconds} s left`;
    const reason = `position ${position} in the queue for system images${left}`;
    notes.waits(id, reason);
    return { kind: "wait", seconds, reason };
  }

  const rates: RequestRates = new Map();
  const app = new Hono();
  app.post(paths.fetchTurn, bodyLimit({ maxSize: maxRequestBytes }), async (context) => {
    const request = v.safeParse(fetchTurnRequest, await context.req.json().catch(() => undefined));
    // After the body: an operator's action counts at once.
    const machine = senderOf(context, store);
    if (machine === undefined) return stranger(context, store);
    if (!request.success || request.output.machineId !== machine.id) return context.json(malformed, 400);
    const { id } = machine;
    const rate = admitRequest(rates, id, { perMinute: requestsPerMinute, nowMs: clock.monotonicMs() });
    if (rate.kind === "refused") return context.json(tooOften, 429, { "retry-after": String(rate.retryAfterSeconds) });
    const held = whyHeld(machine);
    if (held === undefined) return context.json(await turnOf(machine, request.output));
    ended(id);
    return context.json({ kind: "abandon", reason: held } satisfies FetchTurn);
  });
  return { app, ended };
}

const malformed: Problem = {
  kind: "malformed",
  title: "malformed request",
  detail: "expected the machine's own id, totalBytes and doneBytes",
  next: "report this as a fault of the agent",
};

const tooOften: Problem = {
  kind: "tooManyRequests",
  title: "too many requests",
  detail: `a machine may ask for its turn ${requestsPerMinute} times a minute`,
  next: "ask again later",
};
