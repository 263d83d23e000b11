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
} from "../contract/machine-facing.ts";
import type { Endpoint } from "../core/install/boot-settings.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import type { Log } from "../core/ports.ts";
import type { News } from "./session.ts";
import { messageOf, stop } from "./stop.ts";
import { sleepMs } from "./system/clock.ts";
import { openHttps } from "./system/https.ts";

/** How long one request is tried before the birth counts as failed. */
const patienceMs = 120_000;
/** What a request may take in all; the watchdog's deadline must be longer. */
export const requestSeconds = 180;
const firstPauseMs = 500;
const longestPauseMs = 10_000;
const timeoutMs = 20_000;
/** Answers that mean "later", not "no" (RFC 9110 §15). */
const passing = [408, 425, 429, 500, 502, 503, 504];

/** The MDB as this machine may use it. Every function tries again until it has an answer or its patience ends. */
export type Mdb = {
  readonly takeOrder: (request: OrderRequest) => Order;
  readonly report: (session: string, items: readonly News[]) => void;
  readonly askHealthy: (session: string, request: HealthyRequest) => HealthyAnswer;
  readonly close: () => void;
};

/** A client of the MDB at `endpoint`, whose certificate must be signed by `caPem` for the name `birther`. */
export function openMdb(endpoint: Endpoint, caPem: string, log: Log): Mdb {
  const client = openHttps({
    address: formatIpv4(endpoint.address),
    port: endpoint.port,
    caPem,
    serverName: "birther",
    timeoutMs,
  });

  function ask(path: string, body: unknown, bearer?: string): unknown {
    const endMs = host.monotonicMs() + patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      let fault: string;
      try {
        const answer = client.post(path, body, bearer);
        if (answer.status === 200) return answer.body;
        const said = v.safeParse(problem, answer.body);
        fault = said.success ? `${said.output.title}: ${said.output.detail}` : `status ${answer.status}`;
        if (!passing.includes(answer.status)) {
          throw Object.assign(stop(fault, said.success ? said.output.next : undefined), { refused: true });
        }
      } catch (error) {
        if (error instanceof Error && "refused" in error) throw error;
        fault = messageOf(error);
      }
      if (host.monotonicMs() + pauseMs > endMs) {
        throw stop(`the MDB has not answered for ${patienceMs / 1000} s: ${fault}`);
      }
      log("warn", "the MDB does not answer, trying again", { fault, pauseMs });
      sleepMs(pauseMs);
    }
  }

  return {
    takeOrder: (request) => understood(order, ask(paths.order, request), "order"),
    report: (session, items) => void ask(paths.report, { items }, session),
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
