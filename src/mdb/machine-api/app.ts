import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { isKept, parseMachineCredential } from "../../contract/credential.ts";
import { type OrderChallenge, orderRequest, type SentOrder } from "../../contract/machine/order.ts";
import { paths } from "../../contract/machine/paths.ts";
import { type RecoveryAnswer, recoveryRequest } from "../../contract/machine/recovery.ts";
import { type HealthyAnswer, healthyRequest, type ReportAnswer, reportRequest } from "../../contract/machine/report.ts";
import { birthProtocol } from "../../core/birth/order-answer.ts";
import { hexFromBytes } from "../../core/bytes/text.ts";
import type { MachineEvent, OfOrder } from "../../core/machine/event.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { orderActionOf } from "../../core/machine/next-boot.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { recoveryPurpose } from "../../core/tpm/recovery.ts";
import { signedMessage } from "../../core/tpm/seal-command.ts";
import { hashSecret, newCredential } from "../http/credential.ts";
import { atMost, faultAnswer, lastHandlers, readBody, refusalAnswer } from "../http/problem.ts";
import { bodyRoom } from "./body-room.ts";
import { keepErasure, type SignErasure } from "./keep-erasure.ts";
import { networkOf, type OrderDeps, orderFor } from "./make-order.ts";
import { eventOf } from "./report-events.ts";
import type { FindSuspects } from "./siblings.ts";
import { openTpmJudge, type TpmJudge } from "./tpm-challenge.ts";
import { placementFault } from "./verify-place.ts";

export type MachineFacingDeps = OrderDeps & {
  readonly store: Store;
  /** Compares burn-ins with those of siblings; nothing is suspect without it. */
  readonly findSuspects?: FindSuspects;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Shared by the servers of a database, so that each accepts the answer to a challenge of another; without it, this one's own. */
  readonly challengeKey?: Uint8Array;
  /** The authority's consent to a recovery of a disk key; absent where no authority is at hand (tests). */
  readonly signRecovery?: SignRecovery;
  /** The authority's signature of a statement about an erasure; absent as above. */
  readonly signErasure?: SignErasure;
};

/** Signs a message with the authority that issues; `verifier` is its public area as a TPM loads it. */
export type SignRecovery = (message: Uint8Array) => {
  readonly verifier: Uint8Array;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
};

const kib = 1024;
const reportBytes = 1024 * kib;
/** Items of reports that one machine may send within a minute: a birth has some fifty. */
const itemsPerMinute = 600;
/** Items of one report: init sends a handful. */
const itemsPerReport = 100;

/** The machine-facing API of the MDB (contract/machine): order, report, healthy. main serves it over TLS. */
export function machineFacingApp(deps: MachineFacingDeps): Hono {
  const app = new Hono();
  const rates: RequestRates = new Map();
  const { onError, notFound } = lastHandlers(deps.log);
  app.onError(onError);
  app.notFound(notFound);
  const judgeTpm = openTpmJudge(deps.challengeKey ?? deps.random.bytes(32));
  app.post(paths.order, atMost(16 * kib), (c) => giveOrder(c, deps, judgeTpm));
  app.post(paths.report, bodyRoom(reportBytes), atMost(reportBytes), (c) => applyReport(c, deps, rates));
  app.post(paths.healthy, atMost(64 * kib), (c) => makeHealthy(c, deps));
  app.post(paths.resume, atMost(kib), (c) => resumeAgent(c, deps));
  app.post(paths.recovery, atMost(kib), (c) => consentToRecovery(c, deps));
  return app;
}

async function giveOrder(c: Context, deps: MachineFacingDeps, judgeTpm: TpmJudge): Promise<Response> {
  const { store, clock, random } = deps;
  const body = await readBody(c, orderRequest, birthProtocol);
  if (body.kind === "refused") return body.response;
  const { token, bootId } = body.value;
  const mac = parseMac(body.value.mac);
  if (mac === undefined)
    return faultAnswer(
      c,
      "misshapen",
      "mac: expected a MAC address such as aa:bb:cc:dd:ee:ff",
      "send the MAC address of the NIC that booted",
    );
  const tokenHash = hashSecret(token);
  const tpm = judgeTpm(body.value.tpm, { tokenHash, bootId });
  if (tpm.kind === "challenged") return c.json({ challenge: tpm.challenge } satisfies OrderChallenge);
  const id = ownerOf(store, tokenHash, mac)?.id ?? machineIdFromMac(mac);
  const session = newCredential(id, random);
  const decision = await store.apply({
    kind: "orderTaken",
    id,
    mac,
    tokenHash,
    bootId,
    sessionHash: hashSecret(session),
    ...(tpm.claim === undefined ? {} : { tpm: tpm.claim }),
  });
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  const action = orderActionOf(decision.machine);
  if (action === undefined)
    throw new Error(`order for ${id}: expected a machine with an action, found state ${decision.machine.state}`);
  const order = orderFor(decision.machine, action, deps);
  return c.json({ ...order, session, nowMs: clock.nowMs() } satisfies SentOrder);
}

/**
 * The machine that a token was issued for, otherwise the one that presents it. The machine's life cycle decides whether
 * this machine may present it.
 */
function ownerOf(store: Store, tokenHash: string, mac: Mac): Machine | undefined {
  const presenter = store.byMac(mac);
  if (presenter?.order?.tokenHash === tokenHash) return presenter;
  return store.byOrderToken(tokenHash) ?? presenter;
}

/** A machine, and the order of its running birth. */
type BirthSession = { readonly machine: Machine; readonly order: NonNullable<OfOrder["order"]> };

/** The birth that a request belongs to, from the current record; undefined if no birth has this session. */
function findSession(c: Context, store: Store): BirthSession | undefined {
  const claim = parseMachineCredential(c.req.header("authorization"));
  const machine = claim && store.get(claim.machineId);
  const order = machine?.order;
  if (claim === undefined || machine === undefined || order === undefined) return undefined;
  if (!isKept(claim.credential, order.taken?.sessionHash, hashSecret)) return undefined;
  return { machine, order: { generation: order.generation, action: order.action } };
}

function noSession(c: Context): Response {
  return faultAnswer(
    c,
    "badSession",
    "no running birth has this session; a newer boot of the machine may have replaced it",
    "reboot, and start with a new boot script",
  );
}

/**
 * Applies init's report item by item. The record is read again after each wait, because an operator may have held,
 * retired or reassigned the machine meanwhile. The first refusal ends the report, and is the answer.
 */
async function applyReport(c: Context, deps: MachineFacingDeps, rates: RequestRates): Promise<Response> {
  const { store, config } = deps;
  const sender = findSession(c, store)?.machine.id;
  if (sender === undefined) return noSession(c);
  const busy = whyTooMany(c, deps, { rates, sender, cost: 1 });
  if (busy !== undefined) return busy;
  const body = await readBody(c, reportRequest);
  if (body.kind === "refused") return body.response;
  const { items } = body.value;
  if (items.length > itemsPerReport) {
    const detail = `items: expected at most ${itemsPerReport}, found ${items.length}`;
    return faultAnswer(c, "misshapen", detail, "send fewer items per report");
  }
  const tooMany = whyTooMany(c, deps, { rates, sender, cost: items.length });
  if (tooMany !== undefined) return tooMany;
  let answer: ReportAnswer = {};
  for (const item of items) {
    const session = findSession(c, store);
    if (session === undefined) return noSession(c);
    const { machine, order } = session;
    if (item.kind === "log") {
      store.addLog(machine.id, item.lines, machine.order?.taken?.bootId);
      continue;
    }
    if (item.kind === "progress") {
      store.noteProgress(machine.id, item);
      continue;
    }
    if (item.kind === "erasure") {
      await keepErasure(deps, session, item.erasure);
      continue;
    }
    const network = networkOf(machine, config);
    const placementRules = config.placement.rules;
    if (item.kind === "placed") {
      const why = placementFault(item.placement, machine, { network, config });
      if (why !== undefined) return await wrongPlace(c, deps, session, why);
    }
    const event = eventOf(item, { id: machine.id, order, network, placementRules });
    const judged = event.kind === "burnInDone" ? await besideSiblings(event, machine, deps) : event;
    const decision = await store.apply(judged);
    if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
    if (judged.kind === "burnInDone") answer = judged.suspects === undefined ? {} : { suspect: true };
  }
  return c.json(answer);
}

type BurnInDone = Extract<MachineEvent, { kind: "burnInDone" }>;

/** The event with what of the burn-in is far below the machine's siblings. */
async function besideSiblings(
  event: BurnInDone,
  machine: Machine,
  { findSuspects, config }: Pick<MachineFacingDeps, "findSuspects" | "config">,
): Promise<BurnInDone> {
  const suspects = (await findSuspects?.(machine, event.report)) ?? [];
  if (suspects.length === 0) return event;
  return { ...event, suspects, ...(config.burnIn.suspects === "hold" ? { holdSuspects: true } : {}) };
}

/** The answer to a machine that reports more than it may, whatever its addresses are; undefined if it may go on. */
function whyTooMany(
  c: Context,
  { clock, log }: Pick<MachineFacingDeps, "clock" | "log">,
  { rates, sender, cost }: { readonly rates: RequestRates; readonly sender: MachineId; readonly cost: number },
): Response | undefined {
  const limit = { perMinute: itemsPerMinute, nowMs: clock.monotonicMs(), cost };
  const admission = admitRequest(rates, sender, limit);
  if (admission.kind === "admitted") return undefined;
  if (admission.say) log("warn", "a machine sends too many reports; further ones are refused for a while", { sender });
  c.header("retry-after", String(admission.retryAfterSeconds));
  const detail = `${sender}: expected at most ${itemsPerMinute} items of reports within a minute`;
  return faultAnswer(c, "tooManyReports", detail, "retry after the time in Retry-After");
}

async function wrongPlace(
  c: Context,
  { store }: MachineFacingDeps,
  { machine, order }: BirthSession,
  why: string,
): Promise<Response> {
  await store.apply({ kind: "failed", id: machine.id, order, step: "place", reason: why });
  return faultAnswer(c, "wrongPlace", why, "check the placement rules; the machine retries by itself");
}

async function makeHealthy(c: Context, deps: MachineFacingDeps): Promise<Response> {
  const { store, config, random } = deps;
  if (findSession(c, store) === undefined) return noSession(c);
  const body = await readBody(c, healthyRequest);
  if (body.kind === "refused") return body.response;
  const session = findSession(c, store);
  if (session === undefined) return noSession(c);
  const { machine } = session;
  const { image, placement } = body.value;
  const why = placementFault(placement, machine, { network: networkOf(machine, config), config });
  if (why !== undefined) return await wrongPlace(c, deps, session, why);
  if (!config.images.some((rule) => rule.image === image)) {
    return faultAnswer(
      c,
      "wrongImage",
      `image: expected an image of the image rules, found ${image}`,
      "reboot, and start with a new order",
    );
  }
  const subToken = newCredential(machine.id, random);
  const event: MachineEvent = {
    kind: "becameHealthy",
    id: machine.id,
    ...body.value,
    subTokenHash: hashSecret(subToken),
  };
  const decision = await store.apply(event);
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  return c.json({ subToken } satisfies HealthyAnswer);
}

/** init has opened the root of a machine that awaits its first image: its agent gets a new credential. */
async function resumeAgent(c: Context, { store, random }: MachineFacingDeps): Promise<Response> {
  const session = findSession(c, store);
  if (session === undefined) return noSession(c);
  const { machine, order } = session;
  const subToken = newCredential(machine.id, random);
  const event = { kind: "agentResumed", id: machine.id, order, subTokenHash: hashSecret(subToken) } as const;
  const decision = await store.apply(event);
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  return c.json({ subToken } satisfies HealthyAnswer);
}

/** init asks for the signature that opens the sealed disk key: for one session of its TPM, on an order that an operator has allowed. */
async function consentToRecovery(c: Context, { store, signRecovery, log }: MachineFacingDeps): Promise<Response> {
  if (findSession(c, store) === undefined) return noSession(c);
  const body = await readBody(c, recoveryRequest);
  if (body.kind === "refused") return body.response;
  const session = findSession(c, store);
  if (session === undefined) return noSession(c);
  if (signRecovery === undefined) throw new Error("recovery: expected an authority that signs, found none");
  const { machine, order } = session;
  const { nonce } = body.value;
  const decision = await store.apply({ kind: "recoverySigned", id: machine.id, order, nonce });
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  const purpose = recoveryPurpose(machine.id, (bytes) => createHash("sha256").update(bytes).digest());
  const { verifier, r, s } = signRecovery(signedMessage(Buffer.from(nonce, "hex"), purpose));
  log("warn", "signed the recovery of a disk key", { machine: machine.id });
  return c.json({
    verifier: hexFromBytes(verifier),
    r: hexFromBytes(r),
    s: hexFromBytes(s),
  } satisfies RecoveryAnswer);
}
