import { createHash } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type FileFacts, planFileAnswer } from "../../core/http/file-answer.ts";
import { machineConnectionLimit, type OpenConnections, openConnections } from "../../core/network/connections.ts";
import { type RequestLimit, tooManyRequests } from "../../core/network/request-rate.ts";
import { securityHeaders, unreadableAnswer } from "../../core/network/security-headers.ts";
import type { Log } from "../../core/ports.ts";
import type { Traffic } from "../observe/traffic.ts";
import { bindHttpDescriptor } from "../socket/http-descriptor.ts";
import { pathOf } from "./request-path.ts";

/** A file in memory, ready to be served. */
type ServedFile = FileFacts & { readonly bytes: Uint8Array };

/** Handles a request that is not for a file; false lets the next handler try. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** The result of a request for a file. */
export type FileSent = { readonly clientAddress: string; readonly path: string; readonly durationMs: number };

/** Decides whether a client may have a file now; otherwise it gets 503 with Retry-After. */
export type UplinkQueue = {
  readonly admit: (asked: {
    readonly clientAddress: string;
    readonly userAgent: string | undefined;
    readonly path: string;
  }) => { readonly kind: "admitted" } | { readonly kind: "wait"; readonly retryAfterSeconds: number };
  /** This number of bytes of a file was sent, complete or not. */
  readonly sent: (sent: { readonly clientAddress: string; readonly path: string; readonly bytes: number }) => void;
  /** Whether a client waits. */
  readonly isWaiting: () => boolean;
};

export type HttpServer = AsyncDisposable & { readonly port: number };

/**
 * Idle time after which a connection is closed: UEFI HTTP boot fails if it is closed after each answer (netboot.md
 * §1.7).
 */
const keepAliveMs = 30_000;

/** A request and its headers must be complete within these times: half a request does not hold a connection. */
const timeLimits = { keepAliveTimeout: keepAliveMs, headersTimeout: 10_000, requestTimeout: 60_000 };

/** A client that neither reads nor writes for this time is gone. */
const stalledMs = 120_000;

/** Machines of many racks may connect at the same moment; the kernel limits the backlog to net.core.somaxconn. */
const backlog = 4096;

/** What the server serves, and who learns of it. */
type HttpServerDeps = {
  readonly addresses: readonly string[];
  readonly port: number;
  /** A Unix socket to serve as well, for a server in front: its connections are not limited. A file that is there is replaced. */
  readonly socketPath?: string;
  /** By path, with the leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly handlers: readonly HttpHandler[];
  /** A client asks for a file, by GET; it may have to wait. */
  readonly onAsked?: (clientAddress: string, path: string) => void;
  /** A client requested a file, by GET, and gets it. */
  readonly onRequest?: (clientAddress: string, path: string) => void;
  /** A client got a whole file. */
  readonly onSent: (sent: FileSent) => void;
  /** Without it every client is served at once. */
  readonly uplinkQueue?: UplinkQueue;
  /** Without it no address is limited. */
  readonly requestLimit?: RequestLimit;
  /** Simultaneous connections of one address. */
  readonly connectionsPerAddress?: number;
  /** Number of known machines: each has room for two connections. */
  readonly machines?: () => number;
  /** Counts answers. */
  readonly traffic?: Traffic;
  readonly log: Log;
};

/** Serves files from memory, and everything that `handlers` handle, on these addresses until disposed. */
export async function startHttpServer(deps: HttpServerDeps): Promise<HttpServer> {
  const { log } = deps;
  const handle = requestHandler(deps);
  await using opened = new AsyncDisposableStack();
  // A slow client costs a socket and its kernel buffer, because files are sent from shared memory.
  const connections = openConnections<Socket>({
    perAddress: deps.connectionsPerAddress,
    total: () => machineConnectionLimit(deps.machines?.() ?? 0),
    drop: (socket) => socket.destroy(),
  });
  let { port } = deps;
  const open = async (where: { readonly fd: number } | { readonly path: string }) => {
    const server = createServer(timeLimits, handle);
    server.timeout = stalledMs;
    if ("fd" in where) server.on("connection", (socket) => limitClient(connections, socket));
    server.on("checkExpectation", handle);
    server.on("clientError", ({ code }: NodeJS.ErrnoException, socket) => refuseUnreadable(code, socket));
    server.listen({ ...where, backlog });
    await once(server, "listening");
    opened.defer(async () => {
      const closed = server[Symbol.asyncDispose]();
      server.closeAllConnections();
      await closed;
    });
    return server.address();
  };
  for (const address of deps.addresses)
    port = ((await open({ fd: bindHttpDescriptor({ address, port }) })) as AddressInfo).port;
  if (deps.socketPath !== undefined) {
    await rm(deps.socketPath, { force: true });
    await open({ path: deps.socketPath });
  }
  if (deps.addresses.length > 0)
    log("info", "HTTP server listening", { addresses: deps.addresses, port, files: [...deps.files.keys()] });
  const serving = opened.move();
  return { port, [Symbol.asyncDispose]: () => serving.disposeAsync() };
}

/** What Node cannot parse gets an answer and the end. */
function refuseUnreadable(code: string | undefined, socket: Duplex): void {
  if (socket.writable) socket.end(unreadableAnswer(code, securityHeaders), () => socket.destroy());
  else socket.destroy();
}

/** Closes a connection at once if its address has as many as it may. */
function limitClient(connections: OpenConnections<Socket>, socket: Socket): void {
  const client = socket.remoteAddress ?? "";
  if (connections.begin(client, socket)) socket.once("close", () => connections.end(client, socket));
  else socket.destroy();
}

/** Answers a request: with a file, by a handler, or with a refusal. */
function requestHandler(deps: HttpServerDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const { handlers, traffic, log } = deps;
  const files = new Map([...deps.files].map(([path, bytes]) => [path, served(path, bytes)]));
  return (request, response) => {
    traffic?.follow(response);
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (!isAdmitted(request, response, deps)) return;
    const path = pathOf(request.url ?? "/");
    const file = files.get(path);
    const reading = request.method === "GET" || request.method === "HEAD";
    if (file !== undefined && reading) {
      sendFile({ file, path, request, response }, deps);
      return;
    }
    if (handlers.some((handler) => handler(request, response, path))) return;
    const status = file === undefined ? 404 : 405;
    log("debug", "HTTP request refused", { client: request.socket.remoteAddress, path, status });
    response
      .writeHead(status, { "content-type": "text/plain" })
      .end(status === 404 ? "not found\n" : "only GET and HEAD\n");
    request.resume();
  };
}

/** Whether a request is within its address's limit; otherwise it is refused here. */
function isAdmitted(
  request: IncomingMessage,
  response: ServerResponse,
  { requestLimit, log }: HttpServerDeps,
): boolean {
  const client = request.socket.remoteAddress ?? "";
  const admission = requestLimit?.(client);
  if (admission?.kind !== "refused") return true;
  if (admission.say) log("warn", tooManyRequests, { client });
  const headers = { "retry-after": String(admission.retryAfterSeconds), "content-length": 0, connection: "close" };
  response.writeHead(429, headers).end();
  request.resume();
  return false;
}

/** Sends a file, or the part that the request names; or tells the client to come back later. */
function sendFile(
  what: {
    readonly file: ServedFile;
    readonly path: string;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
  },
  { onAsked, onRequest, onSent, uplinkQueue }: HttpServerDeps,
): void {
  const { file, path, request, response } = what;
  const clientAddress = request.socket.remoteAddress ?? "";
  // RFC 9110 §14.2: Range counts in GET only.
  const { range, ...others } = request.headers;
  const answer = planFileAnswer(file, request.method === "GET" ? { ...others, range } : others);
  const userAgent = request.headers["user-agent"];
  if (request.method === "GET") onAsked?.(clientAddress, path);
  const turn = request.method === "GET" ? uplinkQueue?.admit({ clientAddress, userAgent, path }) : undefined;
  if (turn?.kind === "wait") {
    response.writeHead(503, { "retry-after": String(turn.retryAfterSeconds), "content-length": 0 }).end();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const startedMs = performance.now();
  onRequest?.(clientAddress, path);
  const bytes = answer.to - answer.from;
  if (uplinkQueue !== undefined) response.once("finish", () => uplinkQueue.sent({ clientAddress, path, bytes }));
  if (answer.status === 200)
    response.once("finish", () =>
      onSent({ clientAddress, path, durationMs: Math.round(performance.now() - startedMs) }),
    );
  response.end(file.bytes.subarray(answer.from, answer.to));
}

function served(path: string, bytes: Uint8Array): ServedFile {
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
  // UEFI HTTP boot decides by the content type what to do with the body (netboot.md §1.7).
  return {
    bytes,
    size: bytes.length,
    etag,
    contentType: path.endsWith(".efi") ? "application/efi" : "application/octet-stream",
  };
}
