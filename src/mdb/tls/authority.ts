import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { authorityFiles, openPki, type ServerIdentity } from "./pki.ts";

/** Key of the one document that names the authority which every machine of this MDB trusts. */
const documentKey = "ca";

/**
 * Opens the server's identity, after making sure that its certificate authority is the one that the machines of this MDB
 * trust: a server with another authority is a stranger to all of them. The MDB keeps the authority's fingerprint; the
 * first server on an MDB writes it. Throws, naming the files to restore, where the authority is missing or another one.
 */
export async function openTrustedPki(options: {
  readonly store: Pick<Store, "documents" | "putDocument" | "position">;
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
    "without them every machine needs a rebirth by hand";
  if (expected !== undefined && (!existsSync(key) || !existsSync(certificate))) {
    throw new Error(
      `${directory} has no complete certificate authority, and the machines of this MDB trust the authority ${expected}: ${restore}`,
    );
  }
  const isFirstStart = expected === undefined && store.position() === 0;
  const identity = await openPki({ directory, clock, log, remakeHalfAuthority: isFirstStart });
  const found = fingerprintOf(identity.caPem);
  if (expected === undefined) {
    await store.putDocument({ kind: "authority", key: documentKey, document: { fingerprint: found } });
  } else if (found !== expected) {
    throw new Error(
      `${certificate} is not the authority of this MDB: expected fingerprint ${expected}, found ${found}: ${restore}`,
    );
  }
  return identity;
}

/** SHA-256 of a certificate, as browsers and openssl print it: upper-case hex pairs parted by colons. */
export function fingerprintOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256;
}

function recordedFingerprint(store: Pick<Store, "documents">): string | undefined {
  const recorded = store.documents("authority").find(({ key }) => key === documentKey)?.document;
  const { fingerprint } = (recorded ?? {}) as { readonly fingerprint?: unknown };
  return typeof fingerprint === "string" ? fingerprint : undefined;
}
