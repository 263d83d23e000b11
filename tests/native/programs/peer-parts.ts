// Fetches contents from several peers as birther-agent does, large ones in parts; prints one JSON object. Arguments: root, and peers and
// contents as JSON.
import * as host from "host";
import type { Content } from "../../../src/core/image/update/difference.ts";
import { fetchObjects } from "../../../src/init/agent/objects/fetch.ts";
import type { Turn } from "../../../src/init/agent/objects/fetch-turn.ts";
import { openObjectCache } from "../../../src/init/agent/objects/object-cache.ts";
import { openSourceList } from "../../../src/init/agent/peers/source-list.ts";
import type { SubContext } from "../../../src/init/agent/sub-context.ts";
import { readText } from "../../../src/init/system/files.ts";
import type { HttpClient } from "../../../src/init/system/http.ts";

const [, root = "", text = "{}"] = scriptArgs;
const { endpoints, key, bytesPerSecond, wanted } = JSON.parse(text) as {
  readonly endpoints: readonly string[];
  readonly key: string;
  readonly bytesPerSecond: number;
  readonly wanted: readonly Content[];
};
const notes: string[] = [];
const log = (_level: string, message: string, facts: unknown) =>
  void notes.push(`${message}: ${JSON.stringify(facts)}`);
const context = { root, alive: () => undefined, log } as unknown as SubContext;
const cache = openObjectCache(context);
cache.verified();
const list = openSourceList();
const sources = endpoints.map((endpoint) => ({ machineId: endpoint, endpoint, bytesPerSecond, atOnce: true as const }));
list.named({ sources, peerKeys: [key] });
let mostDoneBytes = 0;
const turn: Turn = {
  next: () => list.best() ?? "origin",
  atOnce: list.atOnce,
  progressed: (doneBytes) => {
    mostDoneBytes = Math.max(mostDoneBytes, doneBytes);
  },
  isReplaced: ({ machineId }) => list.best()?.machineId !== machineId,
  failed: ({ machineId }, { isToBlame, isOfNoUse }) =>
    list.failed(machineId, isToBlame ? "toBlame" : isOfNoUse ? "noUse" : "unready"),
  servesOn: () => undefined,
};
const none = (): never => {
  throw Object.assign(new Error("the server was asked"), { status: 404 });
};
const http: HttpClient = { get: none, post: none, close: none };
const beganMs = host.monotonicMs();
let failed = "";
try {
  fetchObjects(context, http, cache, { contents: wanted, oneBatch: false, turn });
} catch (error) {
  failed = String(error);
}
const tookMs = Math.round(host.monotonicMs() - beganMs);
const peakKiB = Number(/VmHWM:\s+(\d+) kB/.exec(readText("/proc/self/status"))?.[1]);
const blamed = list.unreported();
print(
  JSON.stringify({ failed, there: openObjectCache(context).verified(), blamed, notes, mostDoneBytes, tookMs, peakKiB }),
);
