import * as host from "host";
import * as v from "valibot";
import { maxReasonLength, storedAgents } from "../../../contract/agent.ts";
import type { StoredAgents } from "../../../core/agent/supervision.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { makeDirectories, readTextIfThere, remove, replaceBytes } from "../../beneath/files.ts";
import { agentPaths } from "../paths.ts";

/** The record of the machine's agents. Without one, or with a damaged one, the installed agent runs. */
export function readStoredAgents(root: string): StoredAgents {
  const parsed = v.safeParse(storedAgents, parseJson(readTextIfThere(root, agentPaths.storedAgents)));
  return parsed.success ? parsed.output : {};
}

/** Replaces the record; it is on the disk when this returns. */
export function saveStoredAgents(root: string, stored: StoredAgents): void {
  makeDirectories(root, agentPaths.state);
  const { rejected, ...rest } = stored;
  const shortened =
    rejected === undefined ? {} : { rejected: { ...rejected, reason: rejected.reason.slice(0, maxReasonLength) } };
  replaceBytes(root, agentPaths.storedAgents, encodeUtf8(`${JSON.stringify({ ...rest, ...shortened })}\n`));
  host.sync();
}

/** Forgets the rejected version, so that the server may bring it again: the fault may have been the network's or the server's. */
export function forgetRejection(root: string): void {
  const { rejected, ...kept } = readStoredAgents(root);
  if (rejected !== undefined) saveStoredAgents(root, kept);
}

/** The version that a trial confirmed. */
export function readConfirmedAgent(root: string): string | undefined {
  return readTextIfThere(root, agentPaths.confirmedAgent)?.trim();
}

/** Confirms a trial: the supervisor then keeps the version. */
export function confirmAgent(root: string, version: string): void {
  replaceBytes(root, agentPaths.confirmedAgent, encodeUtf8(`${version}\n`));
}

/** Removes the confirmation of a trial that is over. */
export function forgetConfirmation(root: string): void {
  remove(root, agentPaths.confirmedAgent);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return undefined;
  }
}
