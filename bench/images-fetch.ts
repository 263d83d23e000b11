import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Worker, workerData } from "node:worker_threads";
import { bundleForQuickJs } from "../src/bootstrap-image/program/bundle.ts";
import { buildNative } from "../src/bootstrap-image/program/native.ts";
import type { Tree } from "../src/core/image/tree.ts";
import { openObjectStore } from "../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../src/dominator/storage/objects-handler.ts";
import { cacheDirectory } from "../src/main/paths.ts";
import { say } from "./environment.ts";

/** Shell commands that write the same files: an agent from the object server, and curl with tar from the same process. */
export type FetchCommands = AsyncDisposable & {
  /** Both write into a new directory of this name. */
  readonly agent: (into: string) => string;
  /** An agent moves all files of a directory that `agent` has filled: their contents are the same, their paths others. */
  readonly update: (into: string) => string;
  readonly curlTar: (into: string) => string;
  /** What the agent's last run measured: milliseconds of its parts, and peak memory. */
  readonly parts: () => string;
};

type ServerData = { readonly objects: string; readonly archive: string };

/** Starts the object server in a thread, and prepares the agent. */
export async function prepareFetch(
  place: ServerData & { readonly directory: string; readonly tree: Tree },
): Promise<FetchCommands> {
  const { directory, tree, objects, archive } = place;
  const program = await buildNative({ cacheDirectory, log: (_, message) => say(message) });
  const script = join(directory, "fetch.js");
  const list = join(directory, "tree.json");
  writeFileSync(script, await bundleForQuickJs({ entry: join(import.meta.dirname, "images-fetch-work.ts") }));
  writeFileSync(list, JSON.stringify(tree));
  // The next version of a system: its files lie elsewhere, and none has another content.
  const moved = join(directory, "moved.json");
  writeFileSync(
    moved,
    JSON.stringify({ ...tree, entries: tree.entries.map(([path, number]) => [movedPath(path), number]) }),
  );
  const server = new Worker(new URL(import.meta.url), { workerData: { objects, archive } satisfies ServerData });
  const port = await new Promise<number>((resolve, reject) => server.once("message", resolve).once("error", reject));
  const parts = join(directory, "parts.json");
  const make = (into: string) => mkdirSync(join(directory, into), { recursive: true });
  return {
    agent: (into) => {
      make(into);
      return `'${program}' '${script}' '${join(directory, into)}' ${port} '${list}' > '${parts}'`;
    },
    update: (into) => `'${program}' '${script}' '${join(directory, into)}' ${port} '${moved}' > '${parts}'`,
    curlTar: (into) => {
      make(into);
      return `curl -sS http://127.0.0.1:${port}/archive | tar -C '${join(directory, into)}' -xf -`;
    },
    parts: () => readFileSync(parts, "utf8").trim(),
    [Symbol.asyncDispose]: async () => void (await server.terminate()),
  };
}

function movedPath(path: string): string {
  return path.startsWith("/usr") ? `/opt${path.slice("/usr".length)}` : path;
}

const data: ServerData | null = workerData;
if (data !== null && "archive" in data) {
  const { parentPort } = await import("node:worker_threads");
  const objects = await openObjectStore(data.objects);
  const handler = objectsHandler({ objects, manifests: { findManifest: () => undefined }, log: () => undefined });
  const server = createServer((request, response) => {
    if (!handler(request, response)) createReadStream(data.archive, { highWaterMark: 1 << 20 }).pipe(response);
  });
  server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));
}
