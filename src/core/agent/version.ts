/** The files that an agent consists of, in the order in which its version counts them. */
export const agentFiles = [
  { name: "birther-js", mode: 0o755 },
  { name: "agent.js", mode: 0o644 },
] as const;
export type AgentFileName = (typeof agentFiles)[number]["name"];

/** The names of the files of an agent. */
export const agentFileNames = agentFiles.map(({ name }) => name);

const versionDigits = 32;

/** Whether a text has the form of a version; anything else must not become part of a path. */
export function isAgentVersion(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * The version of an agent: 32 hex digits of a SHA-512 over those of its files, in the order of `agentFiles`. A directory named by
 * its version thus tells whether its files are whole.
 */
export function agentVersion(fileHashes: readonly string[], sha512: (text: string) => string): string {
  return sha512(fileHashes.map((hash) => `${hash}\n`).join("")).slice(0, versionDigits);
}

/** A version that a machine tried and gave up, and why. */
export type RejectedAgent = { readonly version: string; readonly reason: string };

/** What an agent says about itself in each poll. */
export type AgentReport = {
  readonly version: string;
  /** The last version that was tried after this one and did not work. */
  readonly rejected?: RejectedAgent;
};
