import { once } from "node:events";
import { get as plainGet } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { type FetchTurnRequest, fetchTurn } from "../src/contract/fetch-turn.ts";
import { paths } from "../src/contract/machine-facing.ts";
import { agentProtocol } from "../src/core/image/filter.ts";
import type { FetchTurn } from "../src/core/uplink/fetch-turn.ts";

/** What the crowd is told: machines, and where they find the server and the image. */
export type CrowdOrder = {
  readonly machines: readonly { readonly id: string; readonly token: string }[];
  readonly tlsPort: number;
  readonly ca: string;
  readonly imagesPort: number;
  readonly pack: string;
  readonly packBytes: number;
};

/** What the crowd saw. */
export type CrowdResult = {
  readonly seconds: number;
  readonly done: number;
  /** Answers that took longer than an agent waits. */
  readonly timeouts: number;
  /** Other failures of requests; each was tried again. */
  readonly failures: number;
  readonly slowestAnswerSeconds: number;
  readonly waits: number;
  readonly waitsWithoutPosition: number;
  readonly longestQueue: number;
};

/** As the agent's (src/init/system/http.ts). */
const timeoutMs = 30_000;
const retryMs = 5000;

const seen = { done: 0, timeouts: 0, failures: 0, slowestMs: 0, waits: 0, waitsWithoutPosition: 0, longestQueue: 0 };

/** Does what one agent does to get its image; each has its own address and its own connection, as machines have. */
async function fetchImage(order: CrowdOrder, n: number): Promise<void> {
  const machine = order.machines[n];
  if (machine === undefined) return;
  const localAddress = `127.1.${n >> 8}.${n & 255}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress, ca: order.ca, servername: "birther" });
  const turn = (doneBytes: number) => patiently(() => askForTurn(order, { machine, agent, doneBytes }));
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
  await patiently(() => fetchPack(order, localAddress));
  await turn(order.packBytes);
  seen.done += 1;
  agent.destroy();
}

/** Tries again after a failure, and counts it. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const startMs = performance.now();
    try {
      return await attempt();
    } catch {
      if (performance.now() - startMs >= timeoutMs) seen.timeouts += 1;
      else seen.failures += 1;
      await sleep(retryMs);
    }
  }
}

async function askForTurn(
  { tlsPort, packBytes }: CrowdOrder,
  caller: { readonly machine: CrowdOrder["machines"][number]; readonly agent: Agent; readonly doneBytes: number },
): Promise<FetchTurn> {
  const { machine, agent, doneBytes } = caller;
  const body: FetchTurnRequest = { protocol: agentProtocol, machineId: machine.id, totalBytes: packBytes, doneBytes };
  const startMs = performance.now();
  const request = tlsRequest({
    ...{ host: "127.0.0.1", port: tlsPort, method: "POST", path: paths.fetchTurn, agent, timeout: timeoutMs },
    headers: { authorization: `Bearer ${machine.token}`, "content-type": "application/json" },
  });
  request.on("timeout", () => request.destroy(new Error("timed out")));
  request.end(JSON.stringify(body));
  const [response] = await once(request, "response");
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startMs);
  return v.parse(fetchTurn, JSON.parse(text));
}

async function fetchPack({ imagesPort, pack, packBytes }: CrowdOrder, localAddress: string): Promise<void> {
  const request = plainGet({ host: "127.0.0.1", port: imagesPort, path: pack, localAddress, timeout: timeoutMs });
  request.on("timeout", () => request.destroy(new Error("timed out")));
  const [response] = await once(request, "response");
  let bytes = 0;
  for await (const piece of response) bytes += piece.length;
  if (response.statusCode !== 200 || bytes !== packBytes)
    throw new Error(`status ${response.statusCode}, ${bytes} bytes`);
}

// The benchmark was stopped.
process.once("disconnect", () => process.exit());

process.once("message", async (order: CrowdOrder) => {
  const startMs = performance.now();
  const report = setInterval(() => process.stderr.write(`${JSON.stringify(seen)}\n`), 10_000);
  await Promise.all(order.machines.map((_, n) => fetchImage(order, n)));
  clearInterval(report);
  const { slowestMs, ...counted } = seen;
  const result: CrowdResult = {
    ...counted,
    seconds: Math.round((performance.now() - startMs) / 1000),
    slowestAnswerSeconds: Math.round(slowestMs / 100) / 10,
  };
  process.send?.(result, () => process.disconnect?.());
});
