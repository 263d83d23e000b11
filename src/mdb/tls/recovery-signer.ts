import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { verifiersIn } from "../../core/tpm/recovery.ts";
import type { SignRecovery } from "../machine-api/app.ts";
import { authoritiesIn } from "./authorities.ts";

const numberBytes = 32;

/** Signs with the key of the authority with this fingerprint in STATE/pki; throws if its files are gone. */
export function recoverySigner(directory: string, fingerprint: string): SignRecovery {
  return (message) => {
    const authority = authoritiesIn(directory).find((each) => each.fingerprint === fingerprint);
    const [verifier] = authority === undefined ? [] : verifiersIn(authority.certificatePem);
    if (authority === undefined || verifier === undefined)
      throw new Error(`${directory}: expected the authority ${fingerprint} with a P-256 key, found none`);
    return { verifier, ...signatureOf(message, readFileSync(authority.files.key, "utf8")) };
  };
}

/** ECDSA with SHA-256 as two numbers of full length. */
export function signatureOf(message: Uint8Array, keyPem: string): { readonly r: Uint8Array; readonly s: Uint8Array } {
  const bytes = sign("sha256", message, { key: keyPem, dsaEncoding: "ieee-p1363" });
  return { r: bytes.subarray(0, numberBytes), s: bytes.subarray(numberBytes) };
}
