import { join } from "node:path";
import { buildImage, readNeeded } from "../../boot-server/boot-files.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { ObjectStore } from "../../dominator/storage/object-store.ts";
import { storeAgentBundle } from "../../dominator/sub/agent-bundle.ts";
import { type AgentUpgrades, openAgentUpgrades } from "../../dominator/sub/agent-upgrades.ts";

/** Makes objects of the agent that was built with the Bootstrap Image, and brings it to the machines; throws if a file is missing. */
export async function handOutAgent(parts: {
  /** The directory of the agent's files. */
  readonly directory: string;
  readonly objects: ObjectStore;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AgentUpgrades> {
  const { directory, objects, ...rest } = parts;
  const bundle = await storeAgentBundle((name) => readNeeded(join(directory, name), buildImage), objects);
  rest.log("info", "machines are upgraded to this version of the agent", { version: bundle.version });
  return openAgentUpgrades({ bundle, ...rest });
}
