import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loaderNames } from "../src/boot-server/boot-files.ts";
import { agentFileNames } from "../src/core/agent/version.ts";
import { pathsIn } from "../src/main/paths.ts";

/** What a server needs of a Bootstrap Image to start, as texts that no machine could run. */
export function writeFakeBootFiles(stateDirectory: string): void {
  const paths = pathsIn(stateDirectory);
  for (const directory of [paths.agent, paths.loaders]) mkdirSync(directory, { recursive: true });
  writeFileSync(paths.kernel, "a kernel");
  writeFileSync(paths.initramfs, "an initramfs");
  for (const name of loaderNames) writeFileSync(join(paths.loaders, name), `the loader ${name}`);
  for (const name of agentFileNames) writeFileSync(join(paths.agent, name), `the agent's ${name}`);
}
