import { readFile } from "node:fs/promises";
import type { Config } from "../../contract/config/schema.ts";
import type { Webhook } from "./post-notice.ts";

/** Prefix of a secret in Base64, as in the Standard Webhooks specification. */
const prefix = "whsec_";
/** Limits of such a secret in bytes (the specification's "Signature scheme"). */
const keyBytes = { least: 24, most: 64 } as const;
/** Minimum length of any other secret; shorter ones can be guessed. */
const leastCharacters = 16;

/**
 * Reads a webhook's secret from its file; throws an error that names both and the command to make one if the secret is
 * missing or unusable.
 */
export async function readWebhook({ url, secretFile }: Config["watch"]["webhooks"][number]): Promise<Webhook> {
  const next = `make a secret: echo "${prefix}$(openssl rand -base64 32)" > ${secretFile}; chmod 600 ${secretFile}`;
  const text = await readFile(secretFile, "utf8").catch((cause: unknown) => {
    throw new Error(`reading the secret of webhook ${url} from ${secretFile} failed; ${next}`, { cause });
  });
  const result = webhookKey(text.trim());
  if (result.kind === "key") return { url, key: result.key };
  throw new Error(`the secret of webhook ${url} in ${secretFile}: ${result.fault}; ${next}`);
}

/** The key of a secret: the bytes after `whsec_`, or the text itself for any other form. */
export function webhookKey(
  secret: string,
): { readonly kind: "key"; readonly key: Uint8Array } | { readonly kind: "unusable"; readonly fault: string } {
  if (!secret.startsWith(prefix)) {
    if (secret.length >= leastCharacters) return { kind: "key", key: Buffer.from(secret) };
    return { kind: "unusable", fault: `expected at least ${leastCharacters} characters, found ${secret.length}` };
  }
  const digits = secret.slice(prefix.length);
  const key = Buffer.from(digits, "base64");
  // Node skips invalid Base64; sender and receiver must decode the same key.
  if (key.toString("base64").replace(/=+$/, "") !== digits.replace(/=+$/, ""))
    return { kind: "unusable", fault: `expected Base64 after ${prefix}, found something else` };
  if (key.length < keyBytes.least || key.length > keyBytes.most) {
    const expected = `${keyBytes.least} to ${keyBytes.most} bytes in Base64 after ${prefix}`;
    return { kind: "unusable", fault: `expected ${expected}, found ${key.length}` };
  }
  return { kind: "key", key };
}
