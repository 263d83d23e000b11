import type { UpgradeAgent } from "../../../core/image/update/directive.ts";
import { copyFile, makeDirectories, removeTree } from "../../beneath/files.ts";
import type { HttpClient } from "../../system/http.ts";
import { fetchObjects } from "../objects/fetch.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { SubContext } from "../sub-context.ts";
import { directoryOf, putInPlace, versionIn } from "./programs.ts";
import { confirmAgent, readStoredAgents, saveStoredAgents } from "./stored-agents.ts";

/**
 * Fetches another version of the agent, puts it beside the others and records its trial. The caller ends, and the supervisor starts
 * the trial. A power cut at any point leaves this agent, or the trial of a whole one.
 */
export function upgradeAgent(context: SubContext, http: HttpClient, cache: ObjectCache, order: UpgradeAgent): void {
  const { root, log } = context;
  const { version, files, deadlineSeconds } = order;
  const stored = readStoredAgents(root);
  if (stored.trial !== undefined)
    throw new Error(`agent ${version}: expected no trial under way, found that of ${stored.trial.version}`);
  fetchObjects(context, http, cache, { contents: files, oneBatch: false });
  const draft = `${directoryOf(version)}.draft`;
  removeTree(root, draft);
  makeDirectories(root, draft);
  for (const { name, mode, sha512 } of files) copyFile(root, cache.pathOf(sha512), { path: `${draft}/${name}`, mode });
  const found = versionIn(root, draft);
  if (found !== version) throw new Error(`agent ${version}: expected files of this version, found ${found}`);
  putInPlace(root, version, draft);
  cache.clear();
  saveStoredAgents(root, { ...stored, trial: { version, deadlineSeconds, attempts: 0 } });
  log("info", "another version of the agent is in place; its trial begins", { version, deadlineSeconds });
}

/** Confirms this agent, if it is on trial: the server has accepted its poll. */
export function confirmTrial({ root, version }: SubContext): void {
  if (readStoredAgents(root).trial?.version === version) confirmAgent(root, version);
}
