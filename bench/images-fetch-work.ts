// What birther-agent does to bring a root to an image: scan, have the server compare, fetch, place. Arguments: root, port, the server's name
// of the image, and the file of its tree if the machine runs a version of it already. Prints one JSON object: the milliseconds of each part,
// and its peak memory.
import * as host from "host";
import { textFromBytes } from "../src/core/bytes/text.ts";
import { parseFilter } from "../src/core/image/filter.ts";
import type { Tree } from "../src/core/image/tree.ts";
import type { FetchContents } from "../src/core/image/update/directive.ts";
import type { UpdateStep } from "../src/core/image/update/update-step.ts";
import { fetchObjects } from "../src/init/agent/objects/fetch.ts";
import { openObjectCache } from "../src/init/agent/objects/object-cache.ts";
import { openPackSources } from "../src/init/agent/objects/pack-sources.ts";
import { scanTree } from "../src/init/agent/scan/scan.ts";
import type { SubContext } from "../src/init/agent/sub-context.ts";
import { stepApplier } from "../src/init/agent/update/apply-step.ts";
import { readText } from "../src/init/system/files.ts";
import { openHttp } from "../src/init/system/http.ts";

const [, root = "", port = "", image = "", treeFile = ""] = scriptArgs;
const nothing = () => undefined;
const parts = { root, version: "bench", log: nothing, takeLines: () => [], alive: nothing, allowForRestart: nothing };
// The settings name servers; the connection is made here.
const context = parts as unknown as SubContext;
const seen: { readonly image?: Tree } = treeFile === "" ? {} : { image: JSON.parse(readText(treeFile)) };
const lines = ["/\\.birther-agent(|/.*)$"];
const reading = parseFilter(lines);
if (reading.kind !== "filter") throw new Error(reading.reason);
const times: { [name: string]: number } = {};

function timed<T>(name: string, work: () => T): T {
  const beganMs = host.monotonicMs();
  const result = work();
  times[name] = Math.round(host.monotonicMs() - beganMs);
  return result;
}

/** What the server answers to the tree of a machine. */
type Plan = { readonly steps: readonly UpdateStep[]; readonly fetch: FetchContents };

const address = "127.0.0.1";
const http = openHttp({ address, port: Number(port) });
const scan = timed("scanMs", () => scanTree(context, { filter: reading.filter, ...seen }));
const { steps, fetch } = timed("compareMs", () => {
  const pieces: string[] = [];
  http.post(`/compare/${image}`, JSON.stringify({ have: scan.tree, objects: [], protocol: 5 }), (bytes) => {
    pieces.push(textFromBytes(bytes));
  });
  return JSON.parse(pieces.join("")) as Plan;
});
const cache = openObjectCache(context);
timed("fetchMs", () => {
  const packs = {
    names: fetch.packs ?? [],
    sources: openPackSources(() => address)({ kind: "open", sources: fetch.sources ?? [] }),
  };
  fetchObjects(context, http, cache, { contents: fetch.objects, oneBatch: false, packs });
});
timed("placeMs", () => {
  const apply = stepApplier({ root, cache, scan, steps, alive: nothing, onUnsupported: nothing });
  for (const step of steps)
    if (!apply(step)) throw new Error(`${step.kind} ${step.path}: expected a tree that nobody changes`);
  cache.clear();
});
timed("syncMs", () => host.sync());
const peak = /VmHWM:\s+(\d+) kB/.exec(readText("/proc/self/status"));
const facts = {
  steps: steps.length,
  missing: fetch.objects.length,
  ...times,
  peakMiB: Math.round(Number(peak?.[1]) / 1024),
};
print(JSON.stringify(facts));
