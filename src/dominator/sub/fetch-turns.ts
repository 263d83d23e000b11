import { Hono } from "hono";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurnRequest } from "../../contract/fetch-turn.ts";
import { paths } from "../../contract/machine/paths.ts";
import type { Problem } from "../../contract/problem.ts";
import { canServe } from "../../core/distribution/can-serve.ts";
import { openDistribution } from "../../core/distribution/distribution.ts";
import { type RackOfMachine, rackOf } from "../../core/distribution/rack-of.ts";
import type { Caller } from "../../core/distribution/roster.ts";
import type { UploadRules } from "../../core/distribution/upload-limit.ts";
import type { Content } from "../../core/image/update/difference.ts";
import type { Seed, Seeding } from "../../core/image/update/directive.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Log, Store } from "../../core/ports.ts";
import type { FetchAnswer } from "../../core/uplink/fetch-queue.ts";
import { type FetchTurn, smallFetchBytes } from "../../core/uplink/fetch-turn.ts";
import { openSmallFetches } from "../../core/uplink/small-fetches.ts";
import type { WaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { applyOrLog } from "./apply-or-log.ts";
import { limitBody } from "./body-limit.ts";
import { type OriginQueueDeps, openOriginQueue } from "./origin-queue.ts";
import { senderOf, stranger, whyHeld } from "./sender.ts";

/** How often an agent says how far it is that fetches from this server only. */
const reportSeconds = 20;
/** A request has a few numbers. */
const maxRequestBytes = 4096;

/** A waiting machine asks at most every three seconds. */
const requestsPerMinute = 60;

/** Which machines fetch their system image now, and which wait. */
export type FetchTurns = {
  readonly app: Hono;
  /** A machine has got another task: it does not fetch any more. */
  readonly ended: (id: MachineId) => void;
  /** How a machine that runs this image is to serve it until its next poll; undefined if it is not to. */
  readonly seed: (machine: Machine, of: { readonly image: SeededImage; readonly seeding: Seeding }) => Seed | undefined;
  /** A machine does not run its image, or is about to change. */
  readonly seedsNoMore: (id: MachineId) => void;
  /** A machine or its agent is about to restart: it neither fetches nor serves until it says so again. */
  readonly restarts: (id: MachineId) => void;
};

/** An image and its manifest. */
type SeededImage = { readonly name: string; readonly manifest: Content };

/** A machine that fetches or waits, for which image, and from whom. */
type Fetcher = {
  readonly image: string | undefined;
  readonly doneBytes: number;
  readonly from: "origin" | "peers" | "nobody";
};

type Go = Extract<FetchTurn, { kind: "go" }>;
const goOn = { kind: "go", reportSeconds } as const satisfies FetchTurn;

/** What machines need to fetch from each other. */
export type PeerRules = {
  /** The keys by which they know each other, the present one first, in hex. */
  readonly keys: () => readonly string[];
  /** Contents of confidential images go from the server to each machine only. */
  readonly isConfidential: (image: string) => boolean;
  readonly upload?: UploadRules;
  /** Networks behind a router; none if undefined. */
  readonly isRelayed?: (network: string) => boolean;
};

type FetchTurnsDeps = OriginQueueDeps & {
  readonly store: Pick<Store, "get" | "unreadableWith" | "apply" | "noteProgress" | "watch">;
  readonly notes: Pick<WaitingNotes, "waits" | "waitsNoMore">;
  /** Without it, all machines fetch from the server. */
  readonly peers?: PeerRules;
  readonly log: Log;
};

export function openFetchTurns(deps: FetchTurnsDeps): FetchTurns {
  const { store, clock } = deps;
  const { turnOf, ended, gone, seeding } = openTurns(deps);
  // What any server of the database told the machine, and what its firmware did.
  store.watch(({ machine, absorbed = [] }) => {
    for (const id of absorbed) gone(id);
    if (!canServe(machine)) gone(machine.id);
  });
  const rates: RequestRates = new Map();
  const app = new Hono();
  app.post(paths.fetchTurn, limitBody(maxRequestBytes), async (context) => {
    const request = v.safeParse(fetchTurnRequest, await context.req.json().catch(() => undefined));
    // After the body: an operator's action counts at once.
    const machine = senderOf(context, store);
    if (machine === undefined) return stranger(context, store);
    if (!request.success || request.output.machineId !== machine.id) return context.json(malformed, 400);
    const { id } = machine;
    const rate = admitRequest(rates, id, { perMinute: requestsPerMinute, nowMs: clock.monotonicMs() });
    if (rate.kind === "refused") return context.json(tooOften, 429, { "retry-after": String(rate.retryAfterSeconds) });
    const held = whyHeld(machine);
    if (held === undefined) {
      const turn = await turnOf(machine, request.output);
      const { doneBytes, totalBytes } = request.output;
      if (turn.kind === "go" && doneBytes < totalBytes)
        store.noteProgress(id, { what: "fetch", done: doneBytes, total: totalBytes });
      return context.json(turn);
    }
    gone(id);
    return context.json({ kind: "abandon", reason: held } satisfies FetchTurn);
  });
  return { app, ended, ...seeding, restarts: gone };
}

function openTurns(deps: FetchTurnsDeps) {
  const { store, notes, log } = deps;
  const fetchers = new Map<MachineId, Fetcher>();
  const passing = passingOn(deps);
  const origin = openOriginQueue(deps);
  const small = openSmallFetches(deps.clock);

  /** What it has fetched it may serve on. */
  function ended(id: MachineId): void {
    small.ended(id);
    if (!fetchers.delete(id)) return;
    origin.left(id);
    notes.waitsNoMore(id);
  }
  function gone(id: MachineId): void {
    passing.left(id);
    ended(id);
  }
  /** Lets a machine fetch that may have waited: that time does not count as time that it fetched. */
  async function go(id: MachineId, known: Fetcher | undefined): Promise<typeof goOn> {
    if (known?.from !== "nobody") return goOn;
    notes.waitsNoMore(id);
    await applyOrLog(store, { kind: "phaseSeen", id, phase: "fetching", detail: "its turn has come" }, log);
    return goOn;
  }
  async function fetchFromOrigin(id: MachineId, known: Fetcher | undefined, now: Now): Promise<FetchTurn> {
    const { image, doneBytes, leftBytes, hasOthers } = now;
    const sentBytes = Math.max(0, doneBytes - (known?.doneBytes ?? doneBytes));
    const answer = origin.ask(id, { leftBytes, sentBytes, hasOthers });
    // One that was slow for so long that others took its slot goes on all the same.
    const isAdmitted = answer.kind === "admitted" || known?.from === "origin";
    passing.admitted(id, isAdmitted);
    fetchers.set(id, { image, doneBytes, from: isAdmitted ? "origin" : "nobody" });
    if (answer.kind === "admitted" || isAdmitted) return await go(id, known);
    const turn = waitingTurn(answer);
    notes.waits(id, noteOf(turn, hasOthers ? undefined : answer.estimatedSeconds));
    return turn;
  }
  async function turnOf(machine: Machine, request: FetchTurnRequest): Promise<FetchTurn> {
    const { id, requiredImage: image } = machine;
    const known = fetchers.get(id);
    if (known !== undefined && known.image !== image) {
      gone(id);
      return { kind: "abandon", reason: `it is to run ${image ?? "no image"} now` };
    }
    const { totalBytes, doneBytes } = request;
    const leftBytes = totalBytes - doneBytes;
    if (isSmallAndNew(known, leftBytes) && small.begins(id)) {
      if (fetchers.delete(id)) origin.left(id);
      return await go(id, known);
    }
    const caller = passing.participant(machine, request);
    const sources = caller === undefined ? "origin" : passing.ask(caller, { isFull: origin.isFull(id) });
    if (leftBytes <= 0) {
      ended(id);
      return caller === undefined ? goOn : { ...goOn, ...passing.serving(id) };
    }
    const { runningImage } = machine;
    const running = runningImage === undefined ? {} : { runningImage };
    await applyOrLog(store, { kind: "subSeen", id, upToDate: false, ...running }, log);
    if (sources === "origin") {
      const hasOthers = caller !== undefined || leftBytes <= smallFetchBytes;
      const turn = await fetchFromOrigin(id, known, { image, doneBytes, leftBytes, hasOthers });
      return turn.kind === "go" && caller !== undefined ? { ...turn, ...passing.serving(id) } : turn;
    }
    origin.left(id);
    fetchers.set(id, { image, doneBytes, from: "peers" });
    return { ...(await go(id, known)), ...passing.serving(id), sources };
  }
  return { turnOf, ended, gone, seeding: passing.seeding };
}

function waitingTurn({ position, estimatedSeconds, retryAfterSeconds }: Extract<FetchAnswer, { kind: "wait" }>) {
  const left = estimatedSeconds === undefined ? "" : `, about ${estimatedSeconds} s left`;
  const reason = `position ${position} in the queue for system images${left}`;
  return { kind: "wait", seconds: retryAfterSeconds, reason } as const satisfies FetchTurn;
}

/** What its record says meanwhile; without an estimate where other machines may bring its turn at any time. */
function noteOf({ reason, seconds }: ReturnType<typeof waitingTurn>, estimatedSeconds: number | undefined) {
  return { reason, retryAfterSeconds: seconds, estimatedSeconds };
}

/** A fetch that needs no slot of the queue, of a machine that has none. */
function isSmallAndNew(known: Fetcher | undefined, leftBytes: number): boolean {
  return (known === undefined || known.from === "nobody") && leftBytes > 0 && leftBytes <= smallFetchBytes;
}

/** The part of machines that fetch from each other. */
function passingOn({ peers, clock }: Pick<FetchTurnsDeps, "peers" | "clock">) {
  const distribution = openDistribution(clock, peers?.upload);
  const { ask, admitted, left } = distribution;
  const { upload: { rackUplinkMbps } = {}, isRelayed = () => false } = peers ?? {};
  const placeOf = (machine: Machine) => rackOf(machine, { rackUplinkMbps, isRelayed });

  /** How a machine takes part in passing its image on; undefined if it does not. */
  function participant(machine: Machine, request: FetchTurnRequest): Caller | undefined {
    const caller = callerOf(machine, request, placeOf(machine));
    if (peers !== undefined && caller !== undefined && !peers.isConfidential(caller.image)) return caller;
    left(machine.id);
    return undefined;
  }
  /** What it needs to serve others, and how often it is to say how far it is. */
  function serving(id: MachineId): Pick<Go, "peerKeys" | "uploadBytesPerSecond" | "reportSeconds"> {
    const limit = distribution.uploadLimit(id);
    if (peers === undefined || limit === undefined) return { reportSeconds };
    return {
      peerKeys: peers.keys(),
      ...(limit === 0 ? {} : { uploadBytesPerSecond: limit }),
      reportSeconds: distribution.reportSeconds(),
    };
  }
  function seed(machine: Machine, { image, seeding }: { readonly image: SeededImage; readonly seeding: Seeding }) {
    const { id, permanentAddress: address } = machine;
    const { port, ...more } = seeding;
    const { rack, isAlone } = placeOf(machine);
    if (isAlone || peers === undefined || address === undefined || peers.isConfidential(image.name)) return undefined;
    const endpoint = port === undefined ? {} : { endpoint: `${formatIpv4(address)}:${port}` };
    if (!distribution.seed({ id, image: image.name, rack, ...endpoint, ...more })) return undefined;
    const limit = distribution.uploadLimit(id) ?? 0;
    return {
      ...{ manifest: image.manifest, peerKeys: peers.keys() },
      ...(limit === 0 ? {} : { uploadBytesPerSecond: limit }),
    };
  }
  const seeding = { seed, seedsNoMore: distribution.seedsNoMore };
  return { ask, admitted, left, participant, serving, seeding };
}

/** What a machine still has to fetch. */
type Now = Pick<Fetcher, "image" | "doneBytes"> & {
  readonly leftBytes: number;
  /** It may get contents in another way at any time: from other machines, or what is small without a place in the queue. */
  readonly hasOthers: boolean;
};

/** How a machine takes part in passing the image on; undefined if its agent cannot. */
function callerOf(machine: Machine, request: FetchTurnRequest, { rack, isAlone }: RackOfMachine): Caller | undefined {
  const { id, requiredImage: image, permanentAddress, runningImage } = machine;
  const { peerPort, failedPeers = [], totalBytes, doneBytes, linkMbps } = request;
  if (peerPort === undefined || image === undefined || permanentAddress === undefined) return undefined;
  return {
    ...{ id, image, totalBytes, doneBytes, isWorking: runningImage !== undefined },
    rack,
    ...(isAlone ? {} : { endpoint: `${formatIpv4(permanentAddress)}:${peerPort}` }),
    failed: failedPeers,
    ...(linkMbps === undefined ? {} : { linkMbps }),
  };
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
