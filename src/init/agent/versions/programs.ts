import * as host from "host";
import * as os from "os";
import { agentFiles, agentVersion, isAgentVersion } from "../../../core/agent/version.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { checked } from "../../system/errno.ts";
import { exists, list, removeTree } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** The two files that an agent runs from. */
export type AgentProgram = { readonly native: string; readonly script: string };

const [nativeFile, scriptFile] = agentFiles;

/** The files of a version that a server handed out; `version` must have the form of one. */
export function programOf(root: string, version: string): AgentProgram {
  return programIn(directoryOf(root, version));
}

/** The files of an agent in a directory. */
export function programIn(directory: string): AgentProgram {
  return { native: `${directory}/${nativeFile.name}`, script: `${directory}/${scriptFile.name}` };
}

/** The directory of a version. */
export function directoryOf(root: string, version: string): string {
  if (!isAgentVersion(version)) throw new Error(`version of an agent: expected 32 hex digits, found ${version}`);
  return `${root}${agentPaths.agents}/${version}`;
}

/** The version that the contents of an agent's files make; throws if one cannot be read. */
export function versionOf({ native, script }: AgentProgram): string {
  return agentVersion([host.sha512File(native), host.sha512File(script)], (text) => {
    const bytes = encodeUtf8(text);
    return host.sha512(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  });
}

/** Throws if the files of a version are missing, or are not those that it was made of. */
export function demandWhole(root: string, version: string): void {
  const found = versionOf(programOf(root, version));
  if (found !== version) throw new Error(`agent ${version}: expected files of this version, found ${found}`);
}

/** Moves the directory with the files of a version to its place; it is on the disk when this returns. */
export function putInPlace(root: string, version: string, draft: string): void {
  const directory = directoryOf(root, version);
  removeTree(directory);
  host.sync();
  checked(`rename ${draft} to ${directory}`, os.rename(draft, directory));
  host.sync();
}

/** Removes all versions but these, and what an upgrade left that did not come to its end. */
export function removeOthers(root: string, keep: readonly string[]): void {
  const agents = `${root}${agentPaths.agents}`;
  if (!exists(agents)) return;
  for (const name of list(agents)) if (!keep.includes(name)) removeTree(`${agents}/${name}`);
}
