import * as host from "host";
import { agentFiles, agentVersion, isAgentVersion } from "../../../core/agent/version.ts";
import { exists, hashFile, list, removeTree, rename } from "../../beneath/files.ts";
import { sha512Text } from "../../system/sha512.ts";
import { agentPaths } from "../paths.ts";

/** The two files that an agent runs from. */
export type AgentProgram = { readonly native: string; readonly script: string };

const [nativeFile, scriptFile] = agentFiles;

/** The files of a version that a server handed out; `version` must have the form of one. */
export function programOf(root: string, version: string): AgentProgram {
  return programIn(`${root}${directoryOf(version)}`);
}

/** The files of an agent in a directory. */
export function programIn(directory: string): AgentProgram {
  return { native: `${directory}/${nativeFile.name}`, script: `${directory}/${scriptFile.name}` };
}

/** The directory of a version, below the root. */
export function directoryOf(version: string): string {
  if (!isAgentVersion(version)) throw new Error(`version of an agent: expected 32 hex digits, found ${version}`);
  return `${agentPaths.agents}/${version}`;
}

/** The version that the contents of an agent's files make; throws if one cannot be read. */
export function versionOf({ native, script }: AgentProgram): string {
  return versionFrom([host.sha512File(native), host.sha512File(script)]);
}

/** The version that the files in a directory below the root make; throws if one cannot be read. */
export function versionIn(root: string, directory: string): string {
  const { native, script } = programIn(directory);
  return versionFrom([hashFile(root, native), hashFile(root, script)]);
}

function versionFrom(hashes: readonly [string, string]): string {
  return agentVersion(hashes, sha512Text);
}

/** Throws if the files of a version are missing, or are not those that it was made of. */
export function demandWhole(root: string, version: string): void {
  const found = versionIn(root, directoryOf(version));
  if (found !== version) throw new Error(`agent ${version}: expected files of this version, found ${found}`);
}

/** Moves the directory with the files of a version to its place; it is on the disk when this returns. */
export function putInPlace(root: string, version: string, draft: string): void {
  const directory = directoryOf(version);
  removeTree(root, directory);
  host.sync();
  rename(root, draft, directory);
  host.sync();
}

/** Removes all versions but these, and what an upgrade left that did not come to its end. */
export function removeOthers(root: string, keep: readonly string[]): void {
  const { agents } = agentPaths;
  if (!exists(root, agents)) return;
  for (const name of list(root, agents)) if (!keep.includes(name)) removeTree(root, `${agents}/${name}`);
}
