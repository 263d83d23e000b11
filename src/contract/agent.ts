/** The machine's agent: what its polls tell of it, what it is told to become, and its record on the machine's disk. */
import * as v from "valibot";
import type { StoredAgents } from "../core/agent/supervision.ts";
import { type AgentReport, agentFileNames, isAgentVersion } from "../core/agent/version.ts";
import type { AgentFile } from "../core/image/update/directive.ts";
import { count } from "./bounded-values.ts";
import { pinned } from "./same.ts";

const version = v.pipe(v.string(), v.check(isAgentVersion, "expected the version of an agent: 32 hex digits"));

/** The longest reason for a rejection. */
export const maxReasonLength = 500;

/** A version that a machine gave up. */
export const rejectedAgent = v.object({ version, reason: v.pipe(v.string(), v.maxLength(maxReasonLength)) });

/** What a poll tells of the agent, and a machine's record keeps. */
export const agentReport = v.object({ version, rejected: v.exactOptional(rejectedAgent) });

/** A file of the agent that a machine is to run. */
export const agentFile = v.object({
  name: v.picklist(agentFileNames),
  mode: v.pipe(count, v.maxValue(0o7777)),
  sha512: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
  size: count,
});

/** The version and its files, as the directive `upgradeAgent` names them. */
export const agentUpgrade = { version, files: v.pipe(v.array(agentFile), v.maxLength(agentFileNames.length)) } as const;

/** /var/lib/birther/agent.json. */
export const storedAgents = v.object({
  current: v.exactOptional(version),
  previous: v.exactOptional(version),
  trial: v.exactOptional(v.object({ version, deadlineSeconds: count, attempts: count })),
  rejected: v.exactOptional(rejectedAgent),
});

pinned<AgentReport>()(agentReport);
pinned<AgentFile>()(agentFile);
pinned<StoredAgents>()(storedAgents);
