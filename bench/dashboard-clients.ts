/** Dashboards without their screens: each follows the rows of the fleet and asks for the summary every two seconds. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { responseTo } from "../tests/support/response-to.ts";

const [base = "", token = "", count = "0"] = process.argv.slice(2);
const clients = Number(count);
const headers = { authorization: `Bearer ${token}`, "accept-encoding": "gzip" };
const summaryEveryMs = 2000;
let bytes = 0;

async function get(path: string, agent: Agent): Promise<IncomingMessage> {
  const sent = request(base + path, { headers, agent, rejectUnauthorized: false }).end();
  const response = await responseTo(sent);
  if (response.statusCode !== 200) throw new Error(`GET ${path}: expected status 200, found ${response.statusCode}`);
  return response;
}

/** As a dashboard does, it comes back after a cut. */
async function follow(agent: Agent): Promise<void> {
  for (;;) {
    try {
      for await (const piece of await get("/v1/fleet/changes", agent)) bytes += (piece as Buffer).length;
    } catch (error) {
      note(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** A computer that is too busy cuts connections; the figures then mean little, and the reader is told. */
function note(error: unknown): void {
  process.stderr.write(`a dashboard was cut off: ${String(error)}\n`);
}

for (let n = 0; n < clients; n += 1) {
  const agent = new Agent({ keepAlive: true });
  void follow(agent);
  await text(await get("/v1/fleet", agent));
  // Not all in the same moment.
  setTimeout(() => {
    setInterval(async () => await get("/v1/summary", agent).then(text, note), summaryEveryMs);
  }, Math.random() * summaryEveryMs);
}
process.on("message", () => {
  process.send?.({ bytes });
  bytes = 0;
});
process.send?.({ ready: clients });
await once(process, "disconnect");
process.exit(0);
