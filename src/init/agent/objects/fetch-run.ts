import * as host from "host";
import * as os from "os";
import { packPath } from "../../../contract/sub.ts";
import type { PackRun } from "../../../core/image/pack-locations.ts";
import { type HttpHead, readResponses, writeRequest } from "../../system/http-message.ts";
import { watchedStream } from "../../system/watched-stream.ts";
import type { SubContext } from "../sub-context.ts";
import type { ObjectCache, Reception } from "./object-cache.ts";

/** A server of packs; `path` comes before that of a pack. */
export type PackServer = { readonly address: string; readonly port: number; readonly path: string };

/** A connection is made within this time, or the next server is asked. */
const connectMs = 3000;
/** A mirror must keep this pace: another source is better than a worse one. The server itself may be slow. */
const leastOfMirrors = 1_000_000;
/** Without a byte for this long, a server is left. */
const stallMs = { mirror: 3000, origin: 15_000 } as const;

/** How many contents from the first on are stored, and why not all of them. 0 if a content was not what it should be. */
export type RunFetched = { readonly stored: number; readonly fault?: unknown };

/** The run is complete: what an answer has beyond it is not read. */
class Complete extends Error {}

/** Fetches a run by one request, as a stream; verifies each content. Whatever the server does, it costs seconds and throws nothing. */
export function fetchRun(
  { alive }: Pick<SubContext, "alive">,
  cache: ObjectCache,
  wanted: { readonly server: PackServer; readonly run: PackRun; readonly isMirror: boolean },
): RunFetched {
  const { server, run, isMirror } = wanted;
  let fd: number;
  try {
    fd = host.tcpConnect(server.address, server.port, connectMs);
  } catch (fault) {
    return { stored: 0, fault };
  }
  const reception = cache.receive(run.contents);
  let fault: unknown;
  try {
    const stream = watchedStream(fd, {
      ...{ alive, stallMs: isMirror ? stallMs.mirror : stallMs.origin },
      leastBytesPerSecond: isMirror ? leastOfMirrors : 0,
    });
    request(stream, server, run, reception);
  } catch (error) {
    if (!(error instanceof Complete)) fault = error;
  } finally {
    os.close(fd);
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

const notFound = 404;

/** Whether a server answered that it does not have a pack. */
export function isMissing(fault: unknown): boolean {
  return fault instanceof Error && "status" in fault && fault.status === notFound;
}

function request(stream: ReturnType<typeof watchedStream>, server: PackServer, run: PackRun, to: Reception): void {
  stream.write(
    writeRequest({
      ...{ method: "GET", path: `${server.path}${packPath}${run.pack}`, host: `${server.address}:${server.port}` },
      headers: { range: `bytes=${run.from}-${run.to - 1}`, connection: "close" },
    }),
  );
  const reader = readResponses(stream);
  const head = reader.readHead();
  reader.readBody(head, take(run, to, bytesBefore(head, run)));
  throw new Error("the answer ends early");
}

/** The bytes of an answer that come before the run: a server that knows no ranges sends the whole pack. */
function bytesBefore({ status, headers }: HttpHead, { from }: PackRun): number {
  if (status === 200) return from;
  if (status !== 206) throw Object.assign(new Error(`status ${status}`), { status });
  const range = headers.get("content-range") ?? "";
  if (!range.startsWith(`bytes ${from}-`))
    throw new Error(`expected the bytes from ${from} on, found ${JSON.stringify(range.slice(0, 80))}`);
  return 0;
}

/** Passes on the contents of a run and drops what is between them; throws `Complete` after the last. */
function take({ contents }: PackRun, reception: Reception, before: number): (piece: Uint8Array) => void {
  let next = 0;
  let skipBytes = before;
  let leftBytes = 0;
  const begin = () => {
    const content = contents[next];
    next += 1;
    skipBytes += content?.skip ?? 0;
    leftBytes = content?.size ?? 0;
  };
  begin();
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
      if (next === contents.length) throw new Complete("");
      begin();
    }
  };
}
