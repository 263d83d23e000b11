import { connect } from "node:net";
import { type HttpAnswer, HttpConnection, postText, type Target } from "./arrival-http.ts";

/** What a machine does that is hostile or broken; of every hundred machines one is, each kind in turn. */
export const misdeeds = ["hangs", "repeats", "malformed", "drips"] as const;
export type Misdeed = (typeof misdeeds)[number];

/** The misdeed of the n-th machine, if every `every`-th has one. */
export function misdeedOf(nth: number, every: number | undefined): Misdeed | undefined {
  if (every === undefined || nth % every !== every - 1) return undefined;
  return misdeeds[Math.floor(nth / every) % misdeeds.length];
}

const repetitions = 20;

/** Sends the same request again and again; the last good answer counts, because a repeated one may have ended a session. */
export async function askAgainAndAgain(connection: HttpConnection, request: string): Promise<HttpAnswer> {
  let last = await connection.ask(request);
  for (let n = 1; n < repetitions && connection.isOpen; n += 1) {
    const next = await connection.ask(request);
    if (next.status === 200) last = next;
  }
  return last;
}

const nested = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
const malformedBodies = [
  ...["", "{", "\u0000\u0001", "[]", "null", '{"items":{}}', '{"items":[{"kind":"phase","phase":"\\u001b[2J"}]}'],
  ...[`{"items":${nested}}`, JSON.stringify({ items: Array(5000).fill({ kind: "log", lines: ["x".repeat(100)] }) })],
  JSON.stringify({ protocol: 1e9, machineId: "m-ffffffffffff", tree: { inodes: -1 } }),
];

/** Sends what no machine should, each over a connection of its own, before the request that is meant. */
export async function sendMalformed(
  target: Target,
  { path, bearer }: { readonly path: string; readonly bearer?: string | undefined },
): Promise<void> {
  for (const body of malformedBodies) {
    const connection = new HttpConnection(target);
    await connection.ask(postText(path, body, bearer)).catch(() => undefined);
    connection.close();
  }
}

const drips = 8;

/** Opens connections on which a byte arrives every second: half of them never end their handshake, half never their request. */
export function drip({ host, localAddress }: Target): void {
  for (let n = 0; n < drips; n += 1) {
    const isPlain = n % 2 === 0;
    const bytes = isPlain
      ? Buffer.from(`GET / HTTP/1.1\r\n${"x: y\r\n".repeat(100)}`)
      : Buffer.from([22, 3, 1, 1, 0, 1, 0]);
    const socket = connect({ host, localAddress, port: isPlain ? 80 : 443 });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < bytes.length) socket.write(bytes.subarray(sent, sent + 1));
      sent += 1;
    }, 1000);
    timer.unref();
    socket.on("error", () => undefined);
    socket.on("close", () => clearInterval(timer));
  }
}
