// What birther-agent does to bring a root to an image: scan, compare, fetch, place. Arguments: root, port, file with the image's tree.
// Prints one JSON object: the milliseconds of each part, and its peak memory.
import * as host from "host";
import { parseFilter } from "../src/core/image/filter.ts";
import type { Tree } from "../src/core/image/tree.ts";
import { compareTree } from "../src/core/image/update/compare.ts";
import { stepApplier } from "../src/init/agent/apply-step.ts";
import { fetchObjects } from "../src/init/agent/objects/fetch.ts";
import { openObjectCache } from "../src/init/agent/objects/object-cache.ts";
import { scanTree } from "../src/init/agent/scan.ts";
import type { SubContext } from "../src/init/agent/sub-context.ts";
import { readText } from "../src/init/system/files.ts";
import { openHttp } from "../src/init/system/http.ts";

const [, root = "", port = "", treeFile = ""] = scriptArgs;
const nothing = () => undefined;
const parts = { root, version: "bench", log: nothing, takeLines: () => [], alive: nothing, allowForRestart: nothing };
// The settings name servers; the connection is made here.
const context = parts as unknown as SubContext;
const tree: Tree = JSON.parse(readText(treeFile));
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

const scan = timed("scanMs", () => scanTree(context, { filter: reading.filter, image: tree }));
const seen = { have: scan.tree, objects: [], protocol: 5 };
const { plan } = timed("compareMs", () => compareTree(seen, { filter: lines, tree, attributes: true }));
const { steps, missing } = plan;
const cache = openObjectCache(context);
timed("fetchMs", () => {
  const http = openHttp({ address: "127.0.0.1", port: Number(port) });
  fetchObjects(context, http, cache, { contents: missing, oneBatch: false });
});
timed("placeMs", () => {
  const apply = stepApplier({ root, cache, scan, steps, alive: nothing, onUnsupported: nothing });
  for (const step of steps)
    if (!apply(step)) throw new Error(`${step.kind} ${step.path}: expected a tree that nobody changes`);
  cache.clear();
});
timed("syncMs", () => host.sync());
const peak = /VmHWM:\s+(\d+) kB/.exec(readText("/proc/self/status"));
const facts = { steps: steps.length, missing: missing.length, ...times, peakMiB: Math.round(Number(peak?.[1]) / 1024) };
print(JSON.stringify(facts));
