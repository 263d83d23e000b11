import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";

/** A client of the operators' API on a Unix socket that keeps its connections. */
export function openClient(socketPath: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Reads an answer to its end and forgets it: that of a million machines is longer than a string may be. */
  async function drain(path: string): Promise<void> {
    const [response] = (await once(request({ socketPath, path, agent }).end(), "response")) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
    await once(response.resume(), "end");
  }
  async function ask(method: "GET" | "POST", path: string, body?: object): Promise<string> {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request({ socketPath, path, method, agent, headers });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    let response: IncomingMessage;
    try {
      [response] = (await once(sent, "response")) as [IncomingMessage];
    } catch (cause) {
      // The server ends connections that are idle for long, perhaps just when one is used again (RFC 9112 §9.3.1).
      if (sent.reusedSocket) return await ask(method, path, body);
      throw new Error(`${method} ${path} was not answered`, { cause });
    }
    const text = (await response.setEncoding("utf8").toArray()).join("");
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
    return text;
  }
  return { ask, drain, [Symbol.dispose]: () => agent.destroy() };
}
export type Client = ReturnType<typeof openClient>;

/** How long things took, in milliseconds. */
export type Times = { readonly p50: number; readonly p99: number; readonly max: number };

/** Median, 99th percentile and maximum, to a hundredth. */
export function timesOf(took: readonly number[]): Times {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return { p50: rounded(at(0.5)), p99: rounded(at(0.99)), max: rounded(sorted.at(-1) ?? 0) };
}

/** Does something so often, one after the other; each round is told its number. */
export async function timed(rounds: number, act: (round: number) => Promise<unknown>): Promise<Times> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    await act(round);
    took.push(performance.now() - startedMs);
  }
  return timesOf(took);
}
