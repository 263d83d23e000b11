import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { responseTo } from "../tests/support/response-to.ts";

/** A client of the operators' API on a Unix socket that keeps its connections. */
export function openClient(socketPath: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Reads an answer to its end and drops it: that of a million machines exceeds the maximum string length. */
  async function drain(path: string): Promise<void> {
    const response = await responseTo(request({ socketPath, path, agent }).end());
    if (response.statusCode !== 200) throw new Error(`GET ${path}: expected status 200, found ${response.statusCode}`);
    await once(response.resume(), "end");
  }
  async function ask(method: "GET" | "POST", path: string, body?: object): Promise<string> {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request({ socketPath, path, method, agent, headers });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    let response: IncomingMessage;
    try {
      response = await responseTo(sent);
    } catch (cause) {
      // The server closes connections that are idle for long, perhaps just when one is reused (RFC 9112 §9.3.1).
      if (sent.reusedSocket) return await ask(method, path, body);
      throw new Error(`${method} ${path} got no answer`, { cause });
    }
    const text = (await response.setEncoding("utf8").toArray()).join("");
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
    return text;
  }
  return { ask, drain, [Symbol.dispose]: () => agent.destroy() };
}
export type Client = ReturnType<typeof openClient>;

/** Durations in milliseconds. */
export type Times = { readonly p50: number; readonly p99: number; readonly max: number };

/** Median, 99th percentile and maximum, to a hundredth. */
export function timesOf(took: readonly number[]): Times {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return { p50: rounded(at(0.5)), p99: rounded(at(0.99)), max: rounded(sorted.at(-1) ?? 0) };
}

/** Runs something this number of times, one after the other; each round receives its number. */
export async function timed(rounds: number, act: (round: number) => Promise<unknown>): Promise<Times> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    await act(round);
    took.push(performance.now() - startedMs);
  }
  return timesOf(took);
}
