/**
 * Watchers of the change feed, each with its own connection, in one process. It receives names of machines over IPC,
 * and answers when every watcher has received a change of each: with the time of the last one, on the monotonic clock.
 */
import { once } from "node:events";
import { request } from "node:http";
import { responseTo } from "../tests/support/response-to.ts";

const [socketPath = "", path = "", count = "0"] = process.argv.slice(2);
const watchers = Number(count);
/** By machine: how many watchers have received its change, and when the last did. */
const heard = new Map<string, { times: number; lastNs: bigint }>();
let wanted: readonly string[] = [];

async function open(): Promise<void> {
  const sent = request({ socketPath, path, agent: false, headers: { accept: "*/*" } });
  sent.end();
  const response = await responseTo(sent);
  if (response.statusCode !== 200) throw new Error(`GET ${path}: expected status 200, found ${response.statusCode}`);
  let rest = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.includes('"event"')) note(line);
  });
  response.on("close", () => {
    process.send?.({ failed: "the server closed a watcher's connection" });
  });
}

function note(line: string): void {
  const id = /"(m-[0-9a-f]{12})"/.exec(line)?.[1];
  if (id === undefined) return;
  const entry = heard.get(id) ?? { times: 0, lastNs: 0n };
  entry.times += 1;
  entry.lastNs = process.hrtime.bigint();
  heard.set(id, entry);
  if (entry.times === watchers) report();
}

function report(): void {
  if (wanted.length === 0 || !wanted.every((id) => heard.get(id)?.times === watchers)) return;
  const lastNs = Object.fromEntries(wanted.map((id) => [id, String(heard.get(id)?.lastNs)]));
  wanted = [];
  heard.clear();
  process.send?.({ lastNs });
}

// A few at a time, because the socket's backlog holds 511.
for (let n = 0; n < watchers; n += 50) await Promise.all(Array.from({ length: Math.min(50, watchers - n) }, open));
process.on("message", (ids: string[]) => {
  wanted = ids;
  report();
});
process.send?.({ ready: watchers });
await once(process, "disconnect");
process.exit(0);
