import { createHmac, createPrivateKey, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { authoritiesIn } from "./authorities.ts";
import type { PkiPlace } from "./pki.ts";

/**
 * A secret that only the servers of a database have, in hex: made from the private key of the authority that issues, which each of
 * them must hold. It changes with that authority. Throws if the key is not there.
 */
export function serverSecret({ directory, issuing }: PkiPlace): string {
  const authorities = authoritiesIn(directory);
  const authority =
    issuing === undefined ? authorities[0] : authorities.find(({ fingerprint }) => fingerprint === issuing);
  if (authority === undefined) throw new Error(`${directory}: expected the authority ${issuing}, found no such file`);
  const key = createPrivateKey(readFileSync(authority.files.key)).export({ type: "pkcs8", format: "der" });
  return Buffer.from(hkdfSync("sha256", key, "", "birther servers of a database", 32)).toString("hex");
}

/** The key of the challenges to machines' TPMs, the same at each server of a database. */
export function challengeKey(pki: PkiPlace): Uint8Array {
  return createHmac("sha256", serverSecret(pki)).update("challenges to TPMs").digest();
}
