import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { bundleForQuickJs } from "../src/bootstrap-image/program/bundle.ts";
import { buildNative } from "../src/bootstrap-image/program/native.ts";
import { placeInPacks } from "../src/core/image/pack-locations.ts";
import type { Tree } from "../src/core/image/tree.ts";
import { compareTree, type SeenState } from "../src/core/image/update/compare.ts";
import type { FetchContents } from "../src/core/image/update/directive.ts";
import { type ObjectStore, openObjectStore } from "../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../src/dominator/storage/objects-handler.ts";
import { findInPacks } from "../src/dominator/storage/packs/find-in-packs.ts";
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

type Images = { readonly tree: Tree; readonly moved: Tree };
type ServerData = { readonly objects: string; readonly archive: string; readonly images: Images };

/** Starts the server of contents and comparisons in a thread, and prepares the agent. */
export async function prepareFetch(
  place: Omit<ServerData, "images"> & { readonly directory: string; readonly tree: Tree },
): Promise<FetchCommands> {
  const { directory, tree, objects, archive } = place;
  const program = await buildNative({ cacheDirectory, log: (_, message) => say(message) });
  const script = join(directory, "fetch.js");
  writeFileSync(script, await bundleForQuickJs({ entry: join(import.meta.dirname, "images-fetch-work.ts") }));
  // The next version of a system: its files lie elsewhere, and none has another content.
  const moved: Tree = { ...tree, entries: tree.entries.map(([path, number]) => [movedPath(path), number]) };
  const movedFile = join(directory, "moved.json");
  writeFileSync(movedFile, JSON.stringify(moved));
  const workerData: ServerData = { objects, archive, images: { tree, moved } };
  const server = new Worker(new URL(import.meta.url), { workerData });
  const port = await new Promise<number>((resolve, reject) => server.once("message", resolve).once("error", reject));
  const parts = join(directory, "parts.json");
  const make = (into: string) => mkdirSync(join(directory, into), { recursive: true });
  return {
    agent: (into) => {
      make(into);
      return `'${program}' '${script}' '${join(directory, into)}' ${port} tree > '${parts}'`;
    },
    update: (into) => `'${program}' '${script}' '${join(directory, into)}' ${port} moved '${movedFile}' > '${parts}'`,
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

/** Answers the tree of a machine with what it has to do, as the Dominator does. */
async function answerCompare(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  { tree, objects, port }: { readonly tree: Tree; readonly objects: ObjectStore; readonly port: number },
): Promise<void> {
  const state: SeenState = JSON.parse(await text(request));
  const { plan } = compareTree(state, { filter: ["/\\.birther-agent(|/.*)$"], tree, attributes: true });
  const placed = placeInPacks(plan.missing, findInPacks(objects.shelf));
  const fetch: FetchContents = { kind: "fetch", ...placed, sources: [{ port }] };
  response.end(JSON.stringify({ steps: plan.steps, fetch }));
}

const data: ServerData | null = workerData;
if (data !== null && "archive" in data) {
  const objects = await openObjectStore(data.objects);
  const handler = objectsHandler({ objects, manifests: { findManifest: () => undefined }, log: () => undefined });
  const server = createServer((request, response) => {
    if (handler(request, response)) return;
    const image = /^\/compare\/(tree|moved)$/.exec(request.url ?? "")?.[1] as keyof Images | undefined;
    if (image === undefined) createReadStream(data.archive, { highWaterMark: 1 << 20 }).pipe(response);
    else void answerCompare({ request, response }, { tree: data.images[image], objects, port: port() });
  });
  const port = () => (server.address() as AddressInfo).port;
  server.listen(0, "127.0.0.1", () => parentPort?.postMessage(port()));
}
