import * as host from "host";
import * as os from "os";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { checked } from "../system/errno.ts";
import { exists, readBytes, replaceBytes } from "../system/files.ts";
import { agentPaths } from "./paths.ts";

/** The certificate authorities that the agent trusts: PEM texts in one file. */
const fileIn = (root: string): string => `${root}${agentPaths.caCertificate}`;
/** The file that they replaced, until the server was reached with them. */
const formerIn = (root: string): string => `${fileIn(root)}.former`;

/** SHA-512 of the file with the trusted authorities. */
export function trustedHash(root: string): string {
  return host.sha512File(fileIn(root));
}

/** Trusts these authorities from the next poll on. The former ones are kept until a poll succeeds. */
export function takeTrust(root: string, caPem: string): void {
  if (!caPem.includes("-----BEGIN CERTIFICATE-----"))
    throw new Error("trust: expected certificates as PEM text, found none");
  if (!exists(formerIn(root))) replaceBytes(formerIn(root), readBytes(fileIn(root)));
  replaceBytes(fileIn(root), encodeUtf8(caPem));
  host.sync();
}

/** The server was reached: the former authorities are forgotten. */
export function confirmTrust(root: string): void {
  if (exists(formerIn(root))) checked("forget the former authorities", os.remove(formerIn(root)));
}

/** The server was not reached: trusts the former authorities again, if any are kept. */
export function revertTrust(root: string): boolean {
  if (!exists(formerIn(root))) return false;
  checked("trust the former authorities", os.rename(formerIn(root), fileIn(root)));
  return true;
}
