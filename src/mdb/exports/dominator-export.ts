import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Config } from "../../contract/config/schema.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { type DominatorFile, keepDominatorFile } from "./dominator-file.ts";
import { type DominatorMdb, openDominatorMdb } from "./dominator-mdb.ts";
import { slicesOf } from "./slices.ts";

/**
 * The path at which mdbd's json driver finds the healthy machines. mdbd can neither log in nor trust a CA of ours, so
 * plain HTTP.
 */
const dominatorMdbPath = "/exports/dominator.json";

/** Handles a plain HTTP request if the path is its own; returns true if it does, and answers asynchronously. */
type PlainHandler = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** The Dominator's MDB as the configuration asks for it: a file, a URL on the plain HTTP port, or both. */
export type DominatorExport = AsyncDisposable & {
  readonly mdb: DominatorMdb;
  readonly file?: DominatorFile;
  readonly handlers: readonly PlainHandler[];
};

/** Opens the export on a store. Throws an error that names the file when it cannot be written. */
export async function openDominatorExport(deps: {
  readonly store: Store;
  readonly config: Config["exports"];
  readonly clock: Clock;
  readonly log: Log;
}): Promise<DominatorExport> {
  const { dominatorMdbFile: path, dominatorMdbByHttp } = deps.config;
  await using opened = new AsyncDisposableStack();
  const mdb = opened.use(openDominatorMdb(deps.store));
  const file = path === undefined ? undefined : opened.use(await keepDominatorFile({ ...deps, path, mdb }));
  const running = opened.move();
  return {
    mdb,
    ...(file === undefined ? {} : { file }),
    handlers: dominatorMdbByHttp ? [handlerOf(mdb, deps.log)] : [],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function handlerOf(mdb: DominatorMdb, log: Log): PlainHandler {
  return (request, response, path) => {
    if (path !== dominatorMdbPath || request.method !== "GET") return false;
    response.writeHead(200, { "content-type": "application/json" });
    pipeline(slicesOf(mdb.text()), response).catch((error: unknown) => {
      log("debug", "a client closed the connection before it had read the whole Dominator MDB", {
        error: String(error),
      });
    });
    return true;
  };
}
