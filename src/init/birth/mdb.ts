import * as host from "host";
import * as v from "valibot";
import {
  type HealthyAnswer,
  type HealthyRequest,
  healthyAnswer,
  type Order,
  type OrderRequest,
  order,
  paths,
  problem,
  type ReportItem,
  serverName,
} from "../../contract/machine-facing.ts";
import type { Endpoint } from "../../core/birth/boot-settings.ts";
import { meaningOf, nextTry } from "../../core/birth/retry.ts";
import type { BurnInReport, Hardware } from "../../core/hardware/hardware.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import { sleepMs } from "../system/clock.ts";
import { type HttpsAnswer, openHttps } from "../system/https.ts";
import { messageOf, stop } from "./stop.ts";

/** How long one request is tried before the birth counts as failed. */
const retryMs = 120_000;
/** What a request may take in all, time-outs of the last try included: the watchdog's deadline. */
export const requestSeconds = 300;
/** The last words of a birth that failed must not keep the person at the console waiting. */
const shortRetryMs = 10_000;
const timeoutMs = 20_000;

type Attempt =
  | { readonly kind: "answered"; readonly body: unknown }
  | { readonly kind: "later"; readonly reason: string };

/** The MDB as this machine may use it. Every function tries again until it has an answer or its patience ends. */
export type Mdb = {
  readonly takeOrder: (request: OrderRequest) => Order;
  readonly report: (session: string, items: readonly ProgressReport[]) => void;
  /** The same with little patience, for last words. */
  readonly reportInShort: (session: string, items: readonly ProgressReport[]) => void;
  readonly askHealthy: (session: string, request: HealthyRequest) => HealthyAnswer;
  readonly close: () => void;
};

/** A client of the MDB at `endpoint`, whose certificate must be signed by `caPem` for the name `birther`. */
export function openMdb(endpoint: Endpoint, caPem: string, log: Log): Mdb {
  const client = openHttps({
    address: formatIpv4(endpoint.address),
    port: endpoint.port,
    caPem,
    serverName,
    timeoutMs,
  });

  function ask(path: string, body: unknown, bearer?: string, retryPolicy = retryMs): unknown {
    const startMs = host.monotonicMs();
    for (let failures = 1; ; failures += 1) {
      const tried = attempt(path, body, bearer);
      if (tried.kind === "answered") return tried.body;
      const next = nextTry(failures, host.monotonicMs() - startMs, retryPolicy);
      if (next.kind === "giveUp") throw stop(`the MDB has not answered for ${retryPolicy / 1000} s: ${tried.reason}`);
      log("warn", "the MDB does not answer, trying again", { fault: tried.reason, pauseMs: next.pauseMs });
      sleepMs(next.pauseMs);
    }
  }

  /** One request: its answer, or why there is none yet. A refusal is thrown: it ends the birth. */
  function attempt(path: string, body: unknown, bearer?: string): Attempt {
    let answer: HttpsAnswer;
    try {
      answer = client.post(path, body, bearer);
    } catch (error) {
      return { kind: "later", reason: messageOf(error) };
    }
    const meaning = meaningOf(answer.status);
    if (meaning === "answered") return { kind: "answered", body: answer.body };
    const said = v.safeParse(problem, answer.body);
    const reason = said.success ? `${said.output.title}: ${said.output.detail}` : `status ${answer.status}`;
    if (meaning === "later") return { kind: "later", reason };
    throw stop(reason, said.success ? said.output.next : undefined);
  }

  return {
    takeOrder: (request) => understood(order, ask(paths.order, request), "order"),
    report: (session, items) => void ask(paths.report, { items }, session),
    reportInShort: (session, items) => void ask(paths.report, { items }, session, shortRetryMs),
    askHealthy: (session, request) => understood(healthyAnswer, ask(paths.healthy, request, session), "answer"),
    close: client.close,
  };
}

/** What the MDB said, checked; a machine does not act on what it does not wholly understand. */
function understood<Schema extends v.GenericSchema>(
  schema: Schema,
  said: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, said);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue === undefined ? "" : (v.getDotPath(issue) ?? "");
  throw stop(`the MDB's ${what} is not understood: ${path}: ${issue?.message ?? ""}`);
}

/** What goes out: as the contract has it, but of core's own types, whose lists are read-only. */
export type ProgressReport =
  | Exclude<ReportItem, { kind: "hardware" } | { kind: "burnIn" }>
  | { readonly kind: "hardware"; readonly hardware: Hardware }
  | { readonly kind: "burnIn"; readonly report: BurnInReport };
