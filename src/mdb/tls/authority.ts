import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { refuseUnreadableDocument } from "../store/unreadable-documents.ts";
import { authorityFiles, openPki, type ServerIdentity } from "./pki.ts";

/** Key of the one document that names the authority which every machine of this MDB trusts. */
const documentKey = "ca";

/**
 * Opens the server's identity, after verifying that its certificate authority is the one that this MDB's machines
 * trust: no machine accepts a server with another authority. The MDB stores the authority's fingerprint; the first
 * server on an MDB writes it. Throws an error that names the files to restore if the authority is missing or another
 * one.
 */
export async function openTrustedPki(options: {
  readonly store: Pick<Store, "documents" | "unreadableDocuments" | "putDocument" | "position">;
  /** STATE/pki. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<ServerIdentity> {
  const { store, directory, clock, log } = options;
  const expected = recordedFingerprint(store);
  const { key, certificate } = authorityFiles(directory);
  const restore =
    `restore ${key} and ${certificate} from a backup of this server, or copy them from another server on the same database; ` +
    "without them every machine has to be reinstalled by hand";
  if (expected !== undefined && (!existsSync(key) || !existsSync(certificate))) {
    throw new Error(
      `${directory}: expected the certificate authority ${expected}, which the machines of this MDB trust, found no complete authority; ${restore}`,
    );
  }
  const isFirstStart = expected === undefined && store.position() === 0;
  const identity = await openPki({ directory, clock, log, remakeHalfAuthority: isFirstStart });
  const found = fingerprintOf(identity.caPem);
  if (expected === undefined) {
    await store.putDocument({ kind: "authority", key: documentKey, document: { fingerprint: found } });
  } else if (found !== expected) {
    throw new Error(
      `${certificate} is not the authority of this MDB: expected fingerprint ${expected}, found ${found}; ${restore}`,
    );
  }
  return identity;
}

/** SHA-256 of a certificate, as browsers and openssl print it: upper-case hex pairs separated by colons. */
export function fingerprintOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256;
}

function recordedFingerprint(store: Pick<Store, "documents" | "unreadableDocuments">): string | undefined {
  const unreadable = store.unreadableDocuments().find(({ kind, key }) => kind === "authority" && key === documentKey);
  if (unreadable !== undefined) throw new Error(refuseUnreadableDocument(unreadable));
  const recorded = store.documents("authority").find(({ key }) => key === documentKey)?.document;
  const { fingerprint } = (recorded ?? {}) as { readonly fingerprint?: unknown };
  return typeof fingerprint === "string" ? fingerprint : undefined;
}
