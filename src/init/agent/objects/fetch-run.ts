import * as host from "host";
import { packPath } from "../../../contract/sub.ts";
import type { PackRun } from "../../../core/image/pack-locations.ts";
import { bytesBefore, readResponses, writeRequest } from "../../system/http-message.ts";
import { type HttpsServer, openTls } from "../../system/https.ts";
import type { ByteStream } from "../../system/line-buffer.ts";
import { watchedStream } from "../../system/watched-stream.ts";
import type { SubContext } from "../sub-context.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { Reception } from "./reception.ts";

/** A server of packs over plain HTTP: a mirror, or the server itself; `path` comes before that of a pack. */
type OpenPackServer = {
  readonly kind: "mirror" | "origin";
  readonly address: string;
  readonly port: number;
  readonly path: string;
};

/** The server, over TLS with the machine's credential. */
export type ClosedPackServer = HttpsServer & { readonly kind: "closed"; readonly credential: string };

export type PackServer = OpenPackServer | ClosedPackServer;

/** By what a server is known in the log, and as the source of a content. */
export function nameOf(server: PackServer): string {
  return `${server.address}:${server.port}${server.kind === "closed" ? "" : server.path}`;
}

/** A connection is made within this time, or the next server is asked. */
const connectMs = 3000;
/** A mirror must keep this pace: another source is better than a worse one. The server itself may be slow. */
const leastOfMirrors = 1_000_000;
/** Without a byte for this long, a server is left. */
const stallMs = { mirror: 3000, origin: 15_000, closed: 15_000 } as const;

/** How many contents from the first on are stored, and why not all of them. 0 if a content was not what it should be. */
export type RunFetched = { readonly stored: number; readonly fault?: unknown };

/** The run is complete: what an answer has beyond it is not read. */
class Complete extends Error {}

/** Fetches a run by one request, as a stream; verifies each content. Whatever the server does, it costs seconds and throws nothing. */
export function fetchRun(
  { alive }: Pick<SubContext, "alive">,
  cache: ObjectCache,
  wanted: { readonly server: PackServer; readonly run: PackRun },
): RunFetched {
  const { server, run } = wanted;
  const source = nameOf(server);
  const begunBytes = cache.begun.bytesFor(run.contents[0]?.sha512 ?? "", source);
  let stream: ByteStream;
  try {
    stream = connect(server, alive);
  } catch (fault) {
    return { stored: 0, fault };
  }
  const reception = cache.receive(run.contents, { source, begunBytes });
  let fault: unknown;
  try {
    request(stream, server, { ...run, begunBytes }, reception);
  } catch (error) {
    if (!(error instanceof Complete)) fault = error;
  } finally {
    stream.close();
  }
  try {
    const stored = reception.end();
    if (fault === undefined && stored < run.contents.length)
      fault = new Error(`expected ${run.contents.length} contents, found ${stored}`);
    return fault === undefined ? { stored } : { stored, fault };
  } catch (error) {
    return { stored: 0, fault: error };
  }
}

function connect(server: PackServer, alive: () => void): ByteStream {
  const { kind } = server;
  if (kind === "closed") {
    const stream = openTls({ ...server, timeoutMs: stallMs.closed });
    const read: ByteStream["read"] = (buffer, offset, length) => {
      alive();
      return stream.read(buffer, offset, length);
    };
    return { ...stream, read };
  }
  const fd = host.tcpConnect(server.address, server.port, connectMs);
  const leastBytesPerSecond = kind === "mirror" ? leastOfMirrors : 0;
  return watchedStream(fd, { alive, stallMs: stallMs[kind], leastBytesPerSecond });
}

const notFound = 404;

/** Whether a server answered that it does not have a pack. */
export function isMissing(fault: unknown): boolean {
  return fault instanceof Error && "status" in fault && fault.status === notFound;
}

/** A run of which the first bytes are there. */
type RestOfRun = PackRun & { readonly begunBytes: number };

function request(stream: ByteStream, server: PackServer, run: RestOfRun, to: Reception): void {
  const from = run.from + run.begunBytes;
  const range = { range: `bytes=${from}-${run.to - 1}`, connection: "close" };
  const at =
    server.kind === "closed"
      ? { path: "", host: server.serverName, headers: { ...range, authorization: `Bearer ${server.credential}` } }
      : { path: server.path, host: `${server.address}:${server.port}`, headers: range };
  stream.write(writeRequest({ ...at, method: "GET", path: `${at.path}${packPath}${run.pack}` }));
  const reader = readResponses(stream);
  const head = reader.readHead();
  reader.readBody(head, take(run, to, bytesBefore(head, from)));
  throw new Error("the answer ends early");
}

/** Contents that follow each other, and what is passed over before the first. */
type Stretch = { readonly skip: number; readonly size: number };

/** What a run is fed in: a stream of small contents is not one call for each. */
function stretchesOf(contents: PackRun["contents"]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const { skip, size } of contents) {
    const last = skip === 0 ? stretches.pop() : undefined;
    stretches.push({ skip: last?.skip ?? skip, size: (last?.size ?? 0) + size });
  }
  return stretches;
}

/** Passes on the contents of a run and drops what is between them; throws `Complete` after the last. */
function take({ contents, begunBytes }: RestOfRun, reception: Reception, before: number): (piece: Uint8Array) => void {
  const stretches = stretchesOf(contents);
  let next = 0;
  let skipBytes = before;
  let leftBytes = 0;
  const begin = () => {
    const { skip, size } = stretches[next] ?? { skip: 0, size: 0 };
    next += 1;
    skipBytes += skip;
    leftBytes = size;
  };
  begin();
  leftBytes -= begunBytes;
  return (piece) => {
    for (let at = 0; at < piece.length; ) {
      const skipped = Math.min(skipBytes, piece.length - at);
      skipBytes -= skipped;
      at += skipped;
      const part = piece.subarray(at, at + leftBytes);
      if (skipBytes > 0 || part.length === 0) continue;
      reception.take(part);
      at += part.length;
      leftBytes -= part.length;
      if (leftBytes > 0) continue;
      if (next === stretches.length) throw new Complete("");
      begin();
    }
  };
}
