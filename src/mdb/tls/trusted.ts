import type { Store } from "../../core/ports.ts";
import type { Trusted } from "../../core/store/stored-documents.ts";
import { refuseUnreadableDocument } from "../store/unreadable-documents.ts";

/** Key of the one document that names the authorities which every machine of this MDB trusts. */
const documentKey = "ca";

/** What the MDB has recorded; undefined if no server has recorded anything. Throws if it cannot be read. */
export function readTrusted(store: Pick<Store, "documents" | "unreadableDocuments">): Trusted | undefined {
  const unreadable = store.unreadableDocuments().find(({ kind, key }) => kind === "authority" && key === documentKey);
  if (unreadable !== undefined) throw new Error(refuseUnreadableDocument(unreadable));
  return store.documents("authority").find(({ key }) => key === documentKey)?.document;
}

/** Records the first authority of an MDB, unless another server has recorded one; on the disk when it resolves. */
export async function recordFirst(
  store: Pick<Store, "replaceDocument">,
  trusted: Trusted,
): Promise<"written" | "overtaken"> {
  return await store.replaceDocument({
    ...{ kind: "authority", key: documentKey, document: trusted },
    onlyIf: (now) => now === undefined,
  });
}

/** Records the authorities, and who changed them in the audit; on the disk when it resolves. */
export async function writeTrusted(store: Pick<Store, "putDocument">, trusted: Trusted, by: string): Promise<void> {
  await store.putDocument({ kind: "authority", key: documentKey, document: trusted, by });
}

/** All of them, the issuing one first. */
export function fingerprintsOf({ fingerprint, next, former }: Trusted): readonly string[] {
  return [fingerprint, next, former].filter((each) => each !== undefined);
}
