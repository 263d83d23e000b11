import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildImage, readNeeded } from "../../boot-server/boot-files.ts";
import {
  buildImageFor,
  defaultArchitecture,
  type MachineArchitecture,
  type NamedArchitecture,
} from "../../core/machine/architecture.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { ObjectStore } from "../../dominator/storage/object-store.ts";
import { storeAgentBundle } from "../../dominator/sub/agent-bundle.ts";
import { type AgentUpgrades, openAgentUpgrades } from "../../dominator/sub/agent-upgrades.ts";

/** What handing out an agent needs. */
type Parts = {
  readonly objects: ObjectStore;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Makes objects of the agents that were built with the Bootstrap Images, and brings each machine that of its architecture;
 * throws if a file is missing. A machine whose architecture has no image here keeps the agent that it has.
 */
export async function handOutAgent(
  parts: Parts & {
    /** The directory of the default architecture's agent. */
    readonly directory: string;
    /** Those of other architectures, of which only some may have been built. */
    readonly others: readonly { readonly architecture: NamedArchitecture; readonly agent: string }[];
  },
): Promise<AgentUpgrades> {
  const { directory, others, ...rest } = parts;
  const opened = new Map<MachineArchitecture, AgentUpgrades>();
  opened.set(defaultArchitecture, await handOut(directory, defaultArchitecture, rest));
  for (const { architecture, agent } of others)
    if (existsSync(agent)) opened.set(architecture, await handOut(agent, architecture, rest));
  // As init said over TLS; a request of a network boot could come from anyone.
  const of = (machine: Machine | undefined) => opened.get(machine?.hardware?.architecture ?? defaultArchitecture);
  return {
    noteSeen: async (machine, poll) => await of(machine)?.noteSeen(machine, poll),
    upgradeFor: async (id, poll) => await of(rest.store.get(id))?.upgradeFor(id, poll),
    [Symbol.dispose]: () => {
      for (const upgrades of opened.values()) upgrades[Symbol.dispose]();
    },
  };
}

async function handOut(directory: string, architecture: MachineArchitecture, parts: Parts): Promise<AgentUpgrades> {
  const { objects, ...rest } = parts;
  const remedy = architecture === defaultArchitecture ? buildImage : buildImageFor(architecture);
  const read = (name: string) => readNeeded(join(directory, name), remedy);
  const bundle = await storeAgentBundle(read, objects, architecture);
  rest.log("info", "machines are upgraded to this version of the agent", { version: bundle.version, architecture });
  return openAgentUpgrades({ bundle, ...rest });
}
