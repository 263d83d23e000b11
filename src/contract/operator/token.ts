import type { Role } from "../../core/role.ts";

/** A token as admins see it; nobody sees its secret again. */
export type TokenView = {
  readonly name: string;
  readonly role: Role;
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** From then on it is refused; absent where it stays good until it is revoked. */
  readonly expiresAtMs?: number;
  /** When it was last shown, to within ten minutes. */
  readonly lastUsedAtMs?: number;
};

/** The name of a token; the audit shows it as the caller. */
export const tokenNamePattern = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** The text of a token: whose it is, and 32 random bytes in hex. Its beginning lets scanners of repositories find one that leaked. */
export function tokenText(name: string, secret: string): string {
  return `birther.${name}.${secret}`;
}

/**
 * The token in an `Authorization: Bearer …` header; undefined if it has none of our format. It must still be verified.
 */
export function parseTokenHeader(
  header: string | undefined,
): { readonly name: string; readonly token: string } | undefined {
  const [, token, name] = /^Bearer (birther\.([a-z0-9-]{1,40})\.[0-9a-f]{64})$/i.exec(header ?? "") ?? [];
  return token === undefined || name === undefined ? undefined : { name, token };
}
