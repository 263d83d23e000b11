import { readFile } from "node:fs/promises";
import type { Config } from "../../contract/config/schema.ts";
import type { Webhook } from "./webhooks.ts";

/** What a secret begins with that is Base64, as the Standard Webhooks specification writes it. */
const prefix = "whsec_";
/** Bytes of such a secret (the specification's "Signature scheme"). */
const keyBytes = { least: 24, most: 64 } as const;
/** Characters of a secret of any other form; shorter ones can be guessed. */
const leastCharacters = 16;

/** Reads a webhook's secret from its file; throws, naming both and how to make one, if there is none that can be used. */
export async function readWebhook({ url, secretFile }: Config["watch"]["webhooks"][number]): Promise<Webhook> {
  const next = `make a secret: echo "${prefix}$(openssl rand -base64 32)" > ${secretFile}; chmod 600 ${secretFile}`;
  const text = await readFile(secretFile, "utf8").catch((cause: unknown) => {
    throw new Error(`the secret of webhook ${url} cannot be read from ${secretFile}; ${next}`, { cause });
  });
  const result = webhookKey(text.trim());
  if (result.kind === "key") return { url, key: result.key };
  throw new Error(`the secret of webhook ${url} in ${secretFile}: ${result.fault}; ${next}`);
}

/** The key that a secret stands for: the bytes behind `whsec_`, or the text itself where it is of another form. */
export function webhookKey(
  secret: string,
): { readonly kind: "key"; readonly key: Uint8Array } | { readonly kind: "unusable"; readonly fault: string } {
  if (!secret.startsWith(prefix)) {
    if (secret.length >= leastCharacters) return { kind: "key", key: Buffer.from(secret) };
    return { kind: "unusable", fault: `expected at least ${leastCharacters} characters, found ${secret.length}` };
  }
  const digits = secret.slice(prefix.length);
  const key = Buffer.from(digits, "base64");
  // Node skips what is no Base64; a secret that is read otherwise than its receiver reads it verifies nothing.
  if (key.toString("base64").replace(/=+$/, "") !== digits.replace(/=+$/, ""))
    return { kind: "unusable", fault: `expected Base64 behind ${prefix}, found something else` };
  if (key.length < keyBytes.least || key.length > keyBytes.most) {
    const expected = `${keyBytes.least} to ${keyBytes.most} bytes in Base64 behind ${prefix}`;
    return { kind: "unusable", fault: `expected ${expected}, found ${key.length}` };
  }
  return { kind: "key", key };
}
