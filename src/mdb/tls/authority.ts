import { existsSync } from "node:fs";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { Trusted } from "../../core/store/stored-documents.ts";
import { type Authority, authoritiesIn, authorityFiles, bundleOf, retiredIn } from "./authorities.ts";
import { openAuthorities } from "./pki.ts";
import { fingerprintsOf, readTrusted, recordFirst } from "./trusted.ts";

/** The authorities of an MDB, as its servers use them. */
export type Trust = {
  /** Fingerprint of the authority that issues the servers' certificates. */
  readonly issuing: string;
  /** The certificates of all trusted authorities: the file that machines get. */
  readonly caPem: string;
};

/**
 * Opens the certificate authorities of a server, after verifying that they are the ones that this MDB's machines trust:
 * no machine accepts a server with another authority. The MDB stores their fingerprints; the first server on an MDB
 * writes the first one. Throws an error that names the files to restore if one is missing or is another one.
 */
export async function openTrust(options: {
  readonly store: Pick<Store, "documents" | "unreadableDocuments" | "replaceDocument" | "position">;
  /** STATE/pki. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Trust> {
  const { store, directory, clock, log } = options;
  const recorded = readTrusted(store);
  if (recorded !== undefined) return trustIn(directory, recorded, log);
  const isFirstStart = store.position() === 0;
  const { key, certificate } = authorityFiles(directory);
  // A version that recorded nothing has served this MDB.
  if (!isFirstStart && !existsSync(key) && !existsSync(certificate))
    throw new Error(
      `${directory}: expected the certificate authority that the machines of this MDB trust, found none; ` +
        `restore ${key} and ${certificate} ${whereToFindThem}`,
    );
  const [first] = await openAuthorities({ directory, clock, log, remakeHalfAuthority: isFirstStart });
  if (first === undefined) throw new Error(`${directory}: expected a certificate authority, found none`);
  // Another server may start on this MDB for the first time, too, and only one authority can be the one of all machines.
  if ((await recordFirst(store, { fingerprint: first.fingerprint })) === "overtaken") {
    const others = readTrusted(store);
    if (others === undefined)
      throw new Error("another server is recording its authority on this MDB; start this server again");
    return trustIn(directory, others, log);
  }
  return { issuing: first.fingerprint, caPem: first.certificatePem };
}

const whereToFindThem =
  "from a backup of this server, or copy them from another server on the same database; " +
  "without them every machine has to be reinstalled by hand";

/** The recorded authorities, from their files in STATE/pki; throws if one of them is not there. */
export function trustIn(directory: string, recorded: Trusted, log: Log): Trust {
  const found = authoritiesIn(directory);
  const missing = whyIncomplete(directory, recorded, found);
  if (missing !== undefined) throw new Error(missing);
  const wanted = fingerprintsOf(recorded);
  for (const { files, fingerprint } of found) {
    if (wanted.includes(fingerprint)) continue;
    log("warn", "an authority in the state directory is not one of this MDB, and is ignored", {
      file: files.certificate,
    });
  }
  return {
    issuing: recorded.fingerprint,
    caPem: bundleOf(found.filter(({ fingerprint }) => wanted.includes(fingerprint))),
  };
}

/** What is missing, and the next step; undefined if all is there. */
function whyIncomplete(directory: string, recorded: Trusted, found: readonly Authority[]): string | undefined {
  const { fingerprint: expected } = recorded;
  const complete = found.filter(({ files }) => existsSync(files.key));
  if (complete.length === 0) {
    const { key, certificate } = authorityFiles(directory);
    return `${directory}: expected the certificate authority ${expected}, which the machines of this MDB trust, found no complete authority; restore ${key} and ${certificate} ${whereToFindThem}`;
  }
  if (!complete.some(({ fingerprint }) => fingerprint === expected)) {
    const others = complete.map(({ fingerprint }) => fingerprint).join(", ");
    const other = `${directory} does not hold the authority of this MDB: expected fingerprint ${expected}, found ${others}`;
    const retired = retiredIn(directory).find(({ fingerprint }) => fingerprint === expected);
    if (retired === undefined)
      return `${other}; restore its files (ca.key and ca.pem, or ca-N.key and ca-N.pem) ${whereToFindThem}`;
    return `${other}; ${retired.file} holds the expected one, so this MDB was made before that authority was retired, and machines trust the newer one: rename ${retired.file} and its key back to ${retired.name}.pem and ${retired.name}.key, then run birther authority add and birther authority switch --override`;
  }
  const lost = fingerprintsOf(recorded).find((each) => !found.some(({ fingerprint }) => fingerprint === each));
  return lost === undefined
    ? undefined
    : `${directory}: expected the authority ${lost}, which the machines of this MDB trust too, found no such file; restore its files (ca-N.key and ca-N.pem) ${whereToFindThem}`;
}
