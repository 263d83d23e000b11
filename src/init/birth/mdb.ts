import * as host from "host";
import * as v from "valibot";
import { type OrderRequest, orderAnswer, orderChallenge } from "../../contract/machine/order.ts";
import { paths, serverName } from "../../contract/machine/paths.ts";
import { type RecoveryAnswer, recoveryAnswer } from "../../contract/machine/recovery.ts";
import {
  type HealthyAnswer,
  type HealthyRequest,
  healthyAnswer,
  type ReportAnswer,
  reportAnswer,
  type SentReportItem,
} from "../../contract/machine/report.ts";
import { problem } from "../../contract/problem.ts";
import { newerProtocol } from "../../contract/protocol.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import { type OrderAnswer, orderProtocol } from "../../core/birth/order-answer.ts";
import { isOfServer, meaningOf, nextTry, pauseMsOf } from "../../core/birth/retry.ts";
import { bytesFromHex, hexFromBytes } from "../../core/bytes/text.ts";
import type { DiskErasure } from "../../core/erasure/erasure.ts";
import type { BurnInReport, Hardware } from "../../core/hardware/hardware.ts";
import { type Endpoint, formatEndpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import type { Neighbour } from "../../core/site/placement.ts";
import type { Credential } from "../../core/tpm/command.ts";
import type { Tpm } from "../device/firmware/tpm.ts";
import { sleepMs } from "../system/clock.ts";
import { type HttpsAnswer, openHttps } from "../system/https.ts";
import { messageOf, stop } from "./stop.ts";

/** Time limit for the retries of one request; after it the birth fails. */
const retryMs = 120_000;
/** Longest duration of a request, including the time-outs of the last attempt: the watchdog's deadline. */
export const requestSeconds = 300;
/** Retry limit for the failure report: the message at the console must not wait for it. */
const shortRetryMs = 10_000;
const timeoutMs = 20_000;
/** A server that was restarted since its challenge does not know it, and sends another one. */
const challengeLimit = 4;

type Attempt =
  | { readonly kind: "answered"; readonly body: unknown }
  | {
      readonly kind: "later";
      readonly reason: string;
      /** The server is at fault: another one may answer. */
      readonly isOfServer: boolean;
      readonly retryAfterSeconds?: number | undefined;
    };

/** The machine-facing API of the MDB. Every function retries until it has an answer or its retry limit is reached. */
export type Mdb = {
  /** Presents the token, and proves the TPM when the MDB challenges it. */
  readonly takeOrder: (request: Omit<OrderRequest, "tpm">, tpm: Tpm) => OrderAnswer;
  readonly report: (session: string, items: readonly ProgressReport[]) => ReportAnswer;
  /** Reports with the short retry limit, for a failed birth. */
  readonly reportBriefly: (session: string, items: readonly ProgressReport[]) => void;
  readonly askHealthy: (session: string, request: HealthyRequest) => HealthyAnswer;
  readonly askToResume: (session: string) => HealthyAnswer;
  /** Asks for the authority's consent to a recovery, for a session of the TPM with this nonce. */
  readonly askToRecover: (session: string, nonce: Uint8Array) => RecoveryAnswer;
  /** The MDB is also at these servers, which are asked in turn when one does not answer. */
  readonly alsoAt: (endpoints: readonly Endpoint[]) => void;
  readonly close: () => void;
};

/** A client of the MDB at `endpoint`; the server's certificate must be signed by `caPem` for the name `birther`. */
export function openMdb(endpoint: Endpoint, caPem: string, log: Log): Mdb {
  const servers = openServers(endpoint, caPem);

  function ask(path: string, body: unknown, bearer?: string, limitMs = retryMs): unknown {
    const startMs = host.monotonicMs();
    for (let failures = 1; ; failures += 1) {
      const result = attempt(path, body, bearer);
      if (result.kind === "answered") return result.body;
      const next = nextTry(failures, host.monotonicMs() - startMs, limitMs);
      if (next.kind === "giveUp") throw stop(`the MDB has not answered for ${limitMs / 1000} s: ${result.reason}`);
      const pauseMs = pauseMsOf(next.pauseMs, result.retryAfterSeconds);
      const server = result.isOfServer ? servers.turnToNext() : undefined;
      log("warn", "the MDB does not answer, trying again", {
        ...{ fault: result.reason, pauseMs, ...(server === undefined ? {} : { server }) },
      });
      sleepMs(pauseMs);
    }
  }

  /**
   * Sends one request: returns the answer, or why there is none yet. A refusal is thrown, because it ends the birth.
   */
  function attempt(path: string, body: unknown, bearer?: string): Attempt {
    let answer: HttpsAnswer;
    try {
      answer = servers.post(path, body, bearer);
    } catch (error) {
      return { kind: "later", reason: messageOf(error), isOfServer: true };
    }
    const meaning = meaningOf(answer.status);
    if (meaning === "answered") return { kind: "answered", body: answer.body };
    const parsed = v.safeParse(problem, answer.body);
    const reason = parsed.success ? `${parsed.output.title}: ${parsed.output.detail}` : `status ${answer.status}`;
    if (meaning === "later") {
      const { status, retryAfterSeconds } = answer;
      return { kind: "later", reason, isOfServer: isOfServer(status), retryAfterSeconds };
    }
    throw stop(reason, parsed.success ? parsed.output.next : undefined);
  }

  function takeOrder(request: Omit<OrderRequest, "tpm">, tpm: Tpm): OrderAnswer {
    let answer = ask(paths.order, { ...request, tpm: tpm.report() });
    for (let challenges = 1; ; challenges += 1) {
      const challenge = readChallenge(answer);
      if (challenge === undefined) return readOrder(answer);
      if (challenges > challengeLimit)
        throw stop(
          `expected the MDB to accept this TPM's proof, found ${challenges} challenges`,
          "reset this machine; if it fails again, clear the TPM in the firmware's setup",
        );
      answer = ask(paths.order, { ...request, tpm: tpm.report(challenge) });
    }
  }

  return {
    takeOrder,
    report: (session, items) => validated(reportAnswer, ask(paths.report, { items }, session), "answer"),
    reportBriefly: (session, items) => void ask(paths.report, { items }, session, shortRetryMs),
    askHealthy: (session, request) => validated(healthyAnswer, ask(paths.healthy, request, session), "answer"),
    askToResume: (session) => validated(healthyAnswer, ask(paths.resume, {}, session), "answer"),
    askToRecover: (session, nonce) =>
      validated(recoveryAnswer, ask(paths.recovery, { nonce: hexFromBytes(nonce) }, session), "answer"),
    alsoAt: servers.alsoAt,
    close: servers.close,
  };
}

/** The servers of the MDB, of which one is asked at a time. */
function openServers(first: Endpoint, caPem: string) {
  const open = ({ address, port }: Endpoint) =>
    openHttps({ address: formatIpv4(address), port, caPem, serverName, timeoutMs });
  let endpoints: readonly Endpoint[] = [first];
  let client = open(first);
  return {
    post: (path: string, body: unknown, bearer?: string): HttpsAnswer => client.post(path, body, bearer),
    alsoAt: (others: readonly Endpoint[]): void => {
      endpoints = [...endpoints, ...others];
    },
    /** Returns the address of the next server; undefined if there is only one. */
    turnToNext: (): string | undefined => {
      const [failed, next, ...rest] = endpoints;
      if (failed === undefined || next === undefined) return undefined;
      endpoints = [next, ...rest, failed];
      client.close();
      client = open(next);
      return formatEndpoint(next);
    },
    close: (): void => client.close(),
  };
}

/** The credential in a challenge; undefined for any other answer. */
function readChallenge(answer: unknown): Credential | undefined {
  const parsed = v.safeParse(orderChallenge, answer);
  if (!parsed.success) return undefined;
  const { idObject, encryptedSecret } = parsed.output.challenge;
  const bytes = (hex: string) => bytesFromHex(hex) ?? new Uint8Array();
  return { idObject: bytes(idObject), encryptedSecret: bytes(encryptedSecret) };
}

/** Reads an order; one of a newer protocol may hold what must not be read past. */
function readOrder(answer: unknown): OrderAnswer {
  const newer = newerProtocol(answer, orderProtocol);
  if (newer === undefined) return validated(orderAnswer, answer, "order");
  throw stop(
    `the MDB's order: expected protocol ${orderProtocol} or lower, found ${newer}`,
    "update the server that sent this Bootstrap Image to the version of the MDB, and reset this machine",
  );
}

/** Validates an answer of the MDB; throws if it lacks what the machine needs. */
function validated<Schema extends v.GenericSchema>(
  schema: Schema,
  parsed: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parsed, faultMessages);
  if (result.success) return result.output;
  throw stop(`the MDB's ${what} is invalid: ${faultsOf(result.issues, what)}`);
}

/** A report item as the contract has it, but with core's types, whose lists are read-only. */
export type ProgressReport =
  | Exclude<SentReportItem, { kind: "hardware" } | { kind: "burnIn" } | { kind: "neighbours" } | { kind: "erasure" }>
  | { readonly kind: "hardware"; readonly hardware: Hardware }
  | { readonly kind: "burnIn"; readonly report: BurnInReport }
  | { readonly kind: "neighbours"; readonly neighbours: readonly Neighbour[] }
  | { readonly kind: "erasure"; readonly erasure: DiskErasure };
