import type { Role } from "../../core/role.ts";

/** A browser's session as it sees itself. */
export type SessionView = {
  /** The caller, as the audit names it. */
  readonly name: string;
  readonly role: Role;
  /** The server's version: a page of another version loads itself anew. */
  readonly version: string;
  readonly nowMs: number;
  /** When the session ends at the latest; absent for a caller with a token. */
  readonly endsAtMs?: number;
};

/** A link that opens the dashboard once. */
export type SessionLink = {
  /** The part behind `https://HOST:PORT`. */
  readonly path: string;
  readonly expiresAtMs: number;
  /** The addresses of the dashboard; empty where the server offers its API on the Unix socket only. */
  readonly bases: readonly string[];
  /** SHA-256 of the certificate that the browser is shown, in pairs of hex digits; absent if it could not be read. */
  readonly fingerprint?: string;
};

/** The name of the session's cookie; the prefix binds it to this host, to TLS and to the whole server (RFC 6265bis §4.1.3.2). */
export const sessionCookie = "__Host-birther";

/** The header that a page sends with each change: no form and no link of another site can (RFC 6648 names need no `X-`). */
export const changeHeader = "birther-dashboard";

/** The path that a link leads to; its secret is the fragment, which no browser sends to a server. */
export const linkPath = "/login";
