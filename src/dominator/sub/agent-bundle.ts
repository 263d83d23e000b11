import { type AgentFileName, agentFiles, agentVersion } from "../../core/agent/version.ts";
import type { AgentFile } from "../../core/image/update/directive.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import { keepObjects } from "../storage/kept-objects.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { sha512Of } from "../storage/sha512.ts";
import { holdContents } from "../storage/store-lock.ts";

/** The agent that the server hands out: its version, and its files as objects. */
export type AgentBundle = { readonly version: string; readonly files: readonly AgentFile[] };

/** Stores the files of the agent as objects, which no image has: no collection removes them. Throws if `read` does, or if one is empty. */
export async function storeAgentBundle(
  read: (name: AgentFileName) => Promise<Uint8Array>,
  objects: Pick<ObjectStore, "add" | "directory">,
  architecture: MachineArchitecture = defaultArchitecture,
): Promise<AgentBundle> {
  using _held = await holdContents(objects.directory);
  const files: AgentFile[] = [];
  for (const file of agentFiles) {
    const stored = await objects.add([await read(file.name)]);
    if (stored.size === 0) throw new Error(`${file.name} of the agent: expected a program, found an empty file`);
    files.push({ ...file, ...stored });
  }
  const names = files.map(({ sha512 }) => sha512);
  keepObjects(objects.directory, architecture === defaultArchitecture ? "agent" : `agent-${architecture}`, names);
  return { version: agentVersion(names, sha512Of), files };
}
