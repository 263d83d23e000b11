// Fetches contents from several peers at once as birther-agent does; prints one JSON object. Arguments: root, peers and contents as JSON.
import * as host from "host";
import type { Content } from "../../../src/core/image/update/difference.ts";
import type { Turn } from "../../../src/init/agent/objects/fetch-turn.ts";
import { openObjectCache } from "../../../src/init/agent/objects/object-cache.ts";
import { fetchFromSeveral } from "../../../src/init/agent/peers/fetch-from-several.ts";
import { openSourceList } from "../../../src/init/agent/peers/source-list.ts";
import type { SubContext } from "../../../src/init/agent/sub-context.ts";
import { readText } from "../../../src/init/system/files.ts";

const [, root = "", text = "{}"] = scriptArgs;
const { endpoints, key, bytesPerSecond, wanted } = JSON.parse(text) as {
  readonly endpoints: readonly string[];
  readonly key: string;
  readonly bytesPerSecond: number;
  readonly wanted: readonly Content[];
};
const faults: string[] = [];
const log = (_level: string, _message: string, facts: unknown) => void faults.push(JSON.stringify(facts));
const context = { root, alive: () => undefined, log } as unknown as SubContext;
const cache = openObjectCache(context);
const list = openSourceList();
const sources = endpoints.map((endpoint) => ({ machineId: endpoint, endpoint, bytesPerSecond, atOnce: true as const }));
list.named({ sources, peerKeys: [key] });
const turn: Pick<Turn, "atOnce" | "progressed" | "failed"> = {
  atOnce: list.atOnce,
  progressed: () => undefined,
  failed: ({ machineId }, { isToBlame }) => list.failed(machineId, isToBlame ? "toBlame" : "unready"),
};
const beganMs = host.monotonicMs();
function fetch() {
  try {
    return fetchFromSeveral(context, cache, { turn: turn as Turn, contents: wanted, doneBytes: 0 });
  } catch (error) {
    return { stored: new Set<string>(), lacked: [], own: error instanceof Error ? error.message : String(error) };
  }
}
const { stored, lacked, own } = { own: undefined, ...fetch() };
const tookMs = Math.round(host.monotonicMs() - beganMs);
const peakKiB = Number(/VmHWM:\s+(\d+) kB/.exec(readText("/proc/self/status"))?.[1]);
print(
  JSON.stringify({
    stored: stored.size,
    lacked: lacked.length,
    there: cache.verified().length,
    faults,
    own,
    tookMs,
    peakKiB,
  }),
);
