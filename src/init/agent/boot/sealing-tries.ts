import { readTextIfThere, removeTree, writeText } from "../../system/files.ts";

/** What is known of the plain key when a try begins. */
export type KnownKey = "plain" | "sealed" | "unknown";

/** A try that a kill or an upgrade of the agent has ended says little; a second one hangs. */
const mostTries = 2;

/** In memory: a restart tries again. */
const pathIn = (root: string) => `${root}/run/birther-agent-sealing`;

/** Tries in this boot that have not ended. */
type OpenTries = { readonly tries: number; readonly key: KnownKey };

function openTries(root: string): OpenTries {
  const [, tries = "0", key = "unknown"] =
    /^(\d) (plain|sealed|unknown)$/.exec(readTextIfThere(pathIn(root))?.trim() ?? "") ?? [];
  return { tries: Number(tries), key: key as KnownKey };
}

/** What a try that did not end knew of the key, if no further one is to begin in this boot; undefined if one may. */
export function whyNoTry(root: string): { readonly reason: string; readonly key: KnownKey } | undefined {
  const { tries, key } = openTries(root);
  if (tries < mostTries) return undefined;
  const reason = `the TPM or the firmware's variables hang: ${tries} tries to seal the disk key did not end; expected a restart, which tries again`;
  return { reason, key };
}

/**
 * Works with the TPM and the firmware's variables, where a call may never return: the supervisor kills an agent that hangs, and the next
 * agent must poll rather than hang there again. Throws without working if two such works of this boot have not ended.
 */
export function tryOnce<Result>(root: string, work: (know: (key: KnownKey) => void) => Result): Result {
  const closed = whyNoTry(root);
  if (closed !== undefined) throw new Error(closed.reason);
  const { tries, key } = openTries(root);
  const know = (known: KnownKey) => writeText(pathIn(root), `${tries + 1} ${known}\n`, 0o600);
  know(key);
  try {
    return work(know);
  } finally {
    // A work that needed no TPM says nothing about one that hung.
    if (tries === 0) removeTree(pathIn(root));
    else writeText(pathIn(root), `${tries} ${key}\n`, 0o600);
  }
}
