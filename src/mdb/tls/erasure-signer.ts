import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import type { SignErasure } from "../machine-api/keep-erasure.ts";
import { authoritiesIn } from "./authorities.ts";

/**
 * Signs statements with the key of the authority with this fingerprint in STATE/pki; throws if its files are gone. The
 * same key signs certificates and recoveries of disk keys. A statement is JSON text: it begins with a brace, as no
 * certificate does, and has no NUL byte, as each message of a recovery has.
 */
export function erasureSigner(directory: string, fingerprint: string): SignErasure {
  return (statement) => {
    const authority = authoritiesIn(directory).find((each) => each.fingerprint === fingerprint);
    if (authority === undefined)
      throw new Error(`${directory}: expected the authority ${fingerprint} to sign an erasure, found none`);
    return signedWith(readFileSync(authority.files.key, "utf8"), fingerprint)(statement);
  };
}

/** Signs with a key; `authority` is the fingerprint of its certificate. Throws for what is no JSON object. */
export function signedWith(keyPem: string, authority: string): SignErasure {
  return (statement) => {
    if (!statement.startsWith("{") || statement.includes("\0"))
      throw new Error("signing an erasure: expected a JSON object, found other text");
    return { value: sign("sha256", Buffer.from(statement), keyPem).toString("base64"), authority };
  };
}
