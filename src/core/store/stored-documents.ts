import type { AgentTrial } from "../agent/rollout.ts";
import type { DeclinedAddress } from "../dhcp/pool/declined.ts";
import type { StoredErasure } from "../erasure/stored-erasure.ts";
import type { HeldImage } from "../image/copies/held-image.ts";
import type { ImageStream } from "../image/stream/image-stream.ts";
import type { Notice } from "../machine/health/notification.ts";
import type { SiteServer } from "../network/site-server.ts";
import type { Lesson } from "../pxe/local-boot/lesson.ts";
import type { Role } from "../role.ts";

/** An operator's token: the hash of a secret of 256 random bits, which cannot be guessed. */
export type StoredToken = {
  readonly role: Role;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs?: number;
  /** SHA-256, lower-case hex. */
  readonly tokenHash: string;
};

/** A browser's session; its key is the SHA-256 of its cookie's secret, lower-case hex. */
export type StoredSession = {
  /** The token that it was opened with: its role counts, and the session ends with it. */
  readonly token?: string;
  /** SHA-256 of that token: another one of that name is another caller's. */
  readonly tokenHash?: string;
  /** The user on the server's computer, and the role, of a session that was opened with a one-time link. */
  readonly user?: string;
  readonly role?: Role;
  readonly createdAtMs: number;
  /** Its last use, to within ten minutes. */
  readonly usedAtMs: number;
};

/** A notification that is still to be sent to a URL. */
export type Call = { readonly url: string; readonly notice: Notice };

/** How far changes were made into calls: the position of the last one. */
export type CallCursor = { readonly position: number };

/** Fingerprints of the certificate authorities that machines trust (mdb/tls). */
export type Trusted = {
  /** The one that issues the servers' certificates. */
  readonly fingerprint: string;
  /** Added, and handed out to machines; it issues nothing yet. */
  readonly next?: string;
  /** It issued before the last switch; machines still trust it. */
  readonly former?: string;
};

/** The machines that try a version of the agent, which is the document's key; each was noted before it got the offer. */
export type AgentTrials = { readonly trials: readonly AgentTrial[] };

/** What each kind of document beside the machines holds. */
export type StoredDocuments = {
  readonly lesson: Lesson;
  readonly declinedAddress: Pick<DeclinedAddress, "mac" | "untilMs">;
  readonly token: StoredToken;
  readonly tokenUse: { readonly atMs: number };
  readonly session: StoredSession;
  readonly webhook: Call | CallCursor;
  readonly authority: Trusted;
  readonly image: HeldImage;
  readonly imageStream: ImageStream;
  readonly agentRollout: AgentTrials;
  /** The key is where the server gives its images to others. */
  readonly siteServer: SiteServer;
  /** The key is the erasure's id, which begins with its time. */
  readonly erasure: StoredErasure;
};
export type DocumentKind = keyof StoredDocuments;

/** A document of one kind, under its key. `position` is that of the change that wrote it. */
export type DocumentOf<K extends DocumentKind> = {
  readonly kind: K;
  readonly key: string;
  readonly document: StoredDocuments[K];
  readonly position: number;
};

/** A document of whatever kind. */
export type Document = { readonly [K in DocumentKind]: DocumentOf<K> }[DocumentKind];

/** A document to write. */
export type DocumentDraft<K extends DocumentKind = DocumentKind> = {
  readonly [One in K]: Omit<DocumentOf<One>, "position">;
}[K];
