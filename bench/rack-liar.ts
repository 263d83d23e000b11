// A machine that lies: it says that it fetches at the rate of the uplink, and serves contents of the right lengths with other bytes.
// Arguments: settings, file with the list of contents, bytes a second.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import type { FetchTurnRequest } from "../src/contract/fetch-turn.ts";
import { paths } from "../src/contract/machine/paths.ts";
import type { SubSettings } from "../src/contract/sub.ts";
import { agentProtocol } from "../src/core/image/filter.ts";
import type { Content } from "../src/core/image/update/difference.ts";

const [settingsText = "{}", list = "", rate = "0"] = process.argv.slice(2);
const settings = JSON.parse(settingsText) as SubSettings;
const contents = JSON.parse(readFileSync(list, "utf8")) as readonly Content[];
const sizes = new Map(contents.map(({ sha512, size }) => [sha512, size]));
const totalBytes = contents.reduce((sum, { size }) => sum + size, 0);

const server = createServer((socket) => {
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (piece) => {
    text += piece.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (end < 0 || text.length < end + 4 + length) return;
    socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    for (const sha512 of text
      .slice(end + 4)
      .split("\n")
      .filter(Boolean)) {
      const size = sizes.get(sha512) ?? 0;
      socket.write(`${sha512} ${size}\n`);
      socket.write(Buffer.alloc(size, "lies"));
    }
    socket.end();
  });
});
await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", () => resolve()));
const { port: peerPort } = server.address() as AddressInfo;
const startMs = performance.now();

/** Says how far it claims to be. */
function report(): void {
  const doneBytes = Math.min(totalBytes, Math.round(((performance.now() - startMs) / 1000) * Number(rate)));
  const turn = { protocol: agentProtocol, machineId: settings.machineId, totalBytes, doneBytes, peerPort };
  const body = JSON.stringify(turn satisfies FetchTurnRequest);
  const [host, port] = settings.mdb.split(":");
  const headers = { authorization: `Bearer ${settings.token}`, "content-type": "application/json" };
  const asked = request({ host, port, path: paths.fetchTurn, method: "POST", headers, rejectUnauthorized: false });
  asked.on("response", (response) => response.resume());
  asked.on("error", () => undefined);
  asked.end(body);
}
report();
setInterval(report, 3000);
