import * as host from "host";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { exists, hashFile, readBytes, remove, rename, replaceBytes } from "../../beneath/files.ts";
import { agentPaths } from "../paths.ts";

/** The certificate authorities that the agent trusts: PEM texts in one file. */
const current = agentPaths.caCertificate;
/** The file that they replaced, until the server was reached with them. */
const former = `${current}.former`;

/** SHA-512 of the file with the trusted authorities. */
export function trustedHash(root: string): string {
  return hashFile(root, current);
}

/** Trusts these authorities from the next poll on. The former ones are kept until a poll succeeds. */
export function takeTrust(root: string, caPem: string): void {
  if (!caPem.includes("-----BEGIN CERTIFICATE-----"))
    throw new Error("trust: expected certificates as PEM text, found none");
  if (!exists(root, former)) replaceBytes(root, former, readBytes(root, current));
  replaceBytes(root, current, encodeUtf8(caPem));
  host.sync();
}

/** The server was reached: the former authorities are forgotten. */
export function confirmTrust(root: string): void {
  remove(root, former);
}

/** The server was not reached: trusts the former authorities again, if any are kept. */
export function revertTrust(root: string): boolean {
  if (!exists(root, former)) return false;
  rename(root, former, current);
  return true;
}
