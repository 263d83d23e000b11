import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import type { Problem } from "../../contract/problem.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { machineConnectionLimit } from "../../core/network/connections.ts";
import { type RequestLimit, tooManyRequests } from "../../core/network/request-rate.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { lastHandlers } from "../http/problem.ts";
import { openPki, type PkiPlace } from "../tls/pki.ts";
import { startTlsServer } from "../tls/server.ts";

const tooMany: Problem = {
  kind: "busy",
  title: "too many requests",
  detail: "this address has sent more requests than maxRequestsPerMinute allows",
  next: "retry after the time in Retry-After",
};

/** The TLS server for machines, both init and agents, on each of these addresses. */
export async function startMachineServer(options: {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly pki: PkiPlace;
  readonly apps: readonly Hono[];
  readonly requestLimit: RequestLimit;
  /** Simultaneous connections of one address. */
  readonly connectionsPerAddress: number;
  /** Number of known machines: each has room for two connections. */
  readonly machines?: () => number;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { addresses, port, apps, connectionsPerAddress, clock, log } = options;
  const identity = () => openPki({ ...options.pki, clock, log });
  const app = new Hono();
  const { onError, notFound } = lastHandlers(log);
  app.onError(onError);
  app.notFound(notFound);
  for (const part of apps) app.route("/", part);
  const answer = getRequestListener(app.fetch);
  const listener: RequestListener = (request, response) => {
    const client = request.socket.remoteAddress ?? "";
    const admission = options.requestLimit(client);
    if (admission.kind === "admitted") return void answer(request, response);
    if (admission.say) log("warn", tooManyRequests, { client });
    const headers = { "retry-after": String(admission.retryAfterSeconds), "content-type": "application/problem+json" };
    // The body is not read, so the connection cannot carry another request.
    response.writeHead(429, { ...headers, connection: "close" }).end(JSON.stringify(tooMany));
  };
  const server = await startTlsServer({
    ...{ addresses, port, certificate: identity, listener, connectionsPerAddress, log },
    connections: () => machineConnectionLimit(options.machines?.() ?? 0),
  });
  log("info", "MDB listening for machines", { addresses: addresses.map(formatIpv4), port });
  return server;
}
