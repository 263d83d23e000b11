import { get as plainGet } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurn } from "../src/contract/fetch-turn.ts";
import { paths } from "../src/contract/machine/paths.ts";
import { agentProtocol } from "../src/core/image/filter.ts";
import type { FetchTurn } from "../src/core/uplink/fetch-turn.ts";
import { responseTo } from "../tests/support/response-to.ts";

/** What the crowd is told: machines, and where they find the server and what they are to fetch. */
export type CrowdOrder = {
  readonly machines: readonly { readonly id: string; readonly token: string; readonly address: string }[];
  readonly tlsPort: number;
  readonly ca: string;
  readonly content: {
    readonly kind: "public" | "confidential";
    readonly host: string;
    readonly port: number;
    readonly path: string;
    readonly bytes: number;
  };
};

/** What the crowd saw. */
export type CrowdResult = {
  readonly seconds: number;
  readonly done: number;
  /** Answers that took longer than an agent waits. */
  readonly timeouts: number;
  /** Other failures of requests, by what was asked and how it failed; each was tried again. */
  readonly failures: { readonly [what: string]: number };
  /** Of requests for a turn. */
  readonly slowestAnswerSeconds: number;
  /** Of fetches, from the connection to the last byte. */
  readonly slowestFetchSeconds: number;
  readonly waits: number;
  readonly waitsWithoutPosition: number;
  readonly longestQueue: number;
};

/** The agent's: for its turn (src/init/system/http.ts), and without a byte of a content (src/init/agent/objects/fetch-run.ts). */
const timeoutMs = { turn: 30_000, content: 15_000 } as const;
const retryMs = 5000;

const seen = {
  ...{ done: 0, timeouts: 0, slowestMs: 0, slowestFetchMs: 0, waits: 0, waitsWithoutPosition: 0, longestQueue: 0 },
};
const failures = new Map<string, number>();

type Now = {
  readonly order: CrowdOrder;
  readonly machine: CrowdOrder["machines"][number];
  readonly trusted: SecureContext;
};

class TimedOut extends Error {}

/** Does what one agent does to get its image; each has its own address and its own connections, as machines have. */
async function fetchImage(now: Now): Promise<void> {
  const { machine, order, trusted } = now;
  const agent = new Agent({
    ...{ keepAlive: true, maxSockets: 1, localAddress: machine.address, secureContext: trusted, servername: "birther" },
  });
  const turn = (doneBytes: number) => patiently("turn", () => askForTurn(now, { agent, doneBytes }));
  for (;;) {
    const answer = await turn(0);
    if (answer.kind === "go") break;
    if (answer.kind === "abandon") throw new Error(`${machine.id}: ${answer.reason}`);
    const [, position] = /^position (\d+) in the queue/.exec(answer.reason) ?? [];
    seen.waits += 1;
    if (position === undefined) seen.waitsWithoutPosition += 1;
    else seen.longestQueue = Math.max(seen.longestQueue, Number(position));
    await sleep(1000 * answer.seconds);
  }
  await patiently("content", () => fetchContent(now));
  await turn(order.content.bytes);
  seen.done += 1;
  agent.destroy();
}

/** Tries again after a failure, and counts it. */
async function patiently<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof TimedOut) seen.timeouts += 1;
      else {
        const text = `${what}: ${(error as Error).message.slice(0, 80)}`;
        failures.set(text, (failures.get(text) ?? 0) + 1);
      }
      await sleep(retryMs);
    }
  }
}

async function askForTurn(
  { machine, order: { content, tlsPort } }: Now,
  { agent, doneBytes }: { readonly agent: Agent; readonly doneBytes: number },
): Promise<FetchTurn> {
  const body: FetchTurnRequest = {
    ...{ protocol: agentProtocol, machineId: machine.id, totalBytes: content.bytes, doneBytes },
  };
  const startMs = performance.now();
  const request = tlsRequest({
    ...{ host: content.host, port: tlsPort, method: "POST", path: paths.fetchTurn, agent, timeout: timeoutMs.turn },
    headers: { authorization: `Bearer ${machine.token}`, "content-type": "application/json" },
  });
  request.on("timeout", () => request.destroy(new TimedOut()));
  request.end(JSON.stringify(body));
  const response = await responseTo(request);
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startMs);
  return v.parse(fetchTurn, JSON.parse(text));
}

/** A new connection, as for each run of an agent (src/init/agent/objects/fetch-run.ts). */
async function fetchContent({ machine, trusted, order: { content } }: Now): Promise<void> {
  const { kind, host, port, path, bytes } = content;
  const { token, address: localAddress } = machine;
  const startMs = performance.now();
  const shared = { host, port, path, localAddress, agent: false, timeout: timeoutMs.content } as const;
  const headers = { range: `bytes=0-${bytes - 1}`, connection: "close" };
  const request =
    kind === "public"
      ? plainGet({ ...shared, headers })
      : tlsRequest({
          ...{ ...shared, secureContext: trusted, servername: "birther" },
          headers: { ...headers, authorization: `Bearer ${token}` },
        }).end();
  request.on("timeout", () => request.destroy(new TimedOut()));
  const response = await responseTo(request);
  let arrived = 0;
  for await (const piece of response) arrived += piece.length;
  if (response.statusCode !== 206 || arrived !== bytes)
    throw new Error(`status ${response.statusCode}${response.statusCode === 206 ? `, ${arrived} bytes` : ""}`);
  seen.slowestFetchMs = Math.max(seen.slowestFetchMs, performance.now() - startMs);
}

// The benchmark was stopped.
process.once("disconnect", () => process.exit());

process.once("message", async (order: CrowdOrder) => {
  const trusted = createSecureContext({ ca: order.ca });
  const startMs = performance.now();
  const report = setInterval(() => process.stderr.write(`${JSON.stringify(resultNow(startMs))}\n`), 10_000);
  await Promise.all(order.machines.map((machine) => fetchImage({ order, machine, trusted })));
  clearInterval(report);
  process.send?.(resultNow(startMs), () => process.disconnect?.());
});

function resultNow(startMs: number): CrowdResult {
  const { slowestMs, slowestFetchMs, ...counted } = seen;
  const seconds = (ms: number) => Math.round(ms / 100) / 10;
  return {
    ...{ ...counted, failures: Object.fromEntries(failures), seconds: seconds(performance.now() - startMs) },
    ...{ slowestAnswerSeconds: seconds(slowestMs), slowestFetchSeconds: seconds(slowestFetchMs) },
  };
}
