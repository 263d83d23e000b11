import { isKept } from "../../../contract/credential.ts";
import { parseTokenHeader, type TokenView, tokenText } from "../../../contract/operator/token.ts";
import { isAhead } from "../../../core/clock-jump.ts";
import type { Clock, Log, Random, Store } from "../../../core/ports.ts";
import type { Role } from "../../../core/role.ts";
import type { StoredToken } from "../../../core/store/stored-documents.ts";
import { hashSecret, newSecret } from "../../http/credential.ts";
import type { Caller } from "./caller.ts";

/** The result of checking a presented token. */
export type Proof =
  | { readonly kind: "known"; readonly caller: Caller }
  | { readonly kind: "unknown" }
  | { readonly kind: "expired"; readonly name: string; readonly atMs: number };

/** The tokens of callers over TLS. */
export type Tokens = {
  /** Creates a token and returns its secret, for the only time; `taken` if the name exists, `tooMany` beyond `tokenLimit`. */
  readonly create: (wanted: {
    readonly name: string;
    readonly role: Role;
    readonly expiresSeconds?: number | undefined;
    readonly by: string;
  }) => Promise<
    | { readonly kind: "created"; readonly token: string; readonly view: TokenView }
    | { readonly kind: "taken" }
    | { readonly kind: "tooMany" }
  >;
  readonly list: () => readonly TokenView[];
  /** Revokes a token; false if there is none of that name. */
  readonly revoke: (name: string, by: string) => Promise<boolean>;
  /** The token that an `Authorization` header presents. */
  readonly prove: (header: string | undefined) => Proof;
  /** The caller of a token that was proved before, by its name and hash; undefined once it is revoked or has expired. */
  readonly stillHeld: (name: string, tokenHash: string) => Caller | undefined;
};

/** Tokens at the same time: each request searches them, and each is in memory. */
export const tokenLimit = 1000;

/** Interval at which the use of a token is recorded; otherwise each request would be a write. */
const noteMs = 600_000;

/** The tokens in a store. */
export function tokensIn(deps: {
  readonly store: Pick<Store, "documents" | "putDocument" | "dropDocument">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Tokens {
  const { store, clock, random, log } = deps;
  const notedAtMs = new Map<string, number>();
  const making = new Set<string>();

  const keptOf = (name: string) => store.documents("token").find(({ key }) => key === name)?.document;
  // Separate from the token itself, so that recording its use cannot restore a token that is being revoked.
  const noteUse = (name: string, nowMs: number) => {
    if (Math.abs(nowMs - (notedAtMs.get(name) ?? 0)) < noteMs) return;
    notedAtMs.set(name, nowMs);
    store
      .putDocument({ kind: "tokenUse", key: name, document: { atMs: nowMs } })
      .catch((cause: unknown) => log("warn", "recording the use of a token failed", { name, cause }));
  };
  const viewOf = (name: string, kept: StoredToken): TokenView =>
    viewToken(name, kept, store.documents("tokenUse").find(({ key }) => key === name)?.document.atMs);

  return {
    create: async ({ name, role, expiresSeconds, by }) => {
      if (keptOf(name) !== undefined || making.has(name)) return { kind: "taken" };
      if (store.documents("token").length + making.size >= tokenLimit) return { kind: "tooMany" };
      const token = tokenText(name, newSecret(random));
      const createdAtMs = clock.nowMs();
      const kept: StoredToken = {
        ...{ role, createdAtMs, createdBy: by, tokenHash: hashSecret(token) },
        ...(expiresSeconds === undefined ? {} : { expiresAtMs: createdAtMs + expiresSeconds * 1000 }),
      };
      making.add(name);
      try {
        await store.putDocument({ kind: "token", key: name, document: kept, by });
      } finally {
        making.delete(name);
      }
      return { kind: "created", token, view: viewOf(name, kept) };
    },
    list: () => store.documents("token").map(({ key, document }) => viewOf(key, document)),
    revoke: async (name, by) => {
      if (keptOf(name) === undefined) return false;
      await store.dropDocument({ kind: "token", key: name, by });
      notedAtMs.delete(name);
      return true;
    },
    prove: (header) => {
      const claim = parseTokenHeader(header);
      if (claim === undefined) return { kind: "unknown" };
      const nowMs = clock.nowMs();
      const proof = proofOf(claim, keptOf(claim.name), nowMs);
      if (proof.kind === "known") noteUse(claim.name, nowMs);
      return proof;
    },
    stillHeld: (name, tokenHash) => {
      const kept = keptOf(name);
      if (kept === undefined || kept.tokenHash !== tokenHash || hasExpired(kept, clock.nowMs())) return undefined;
      return { name, role: kept.role };
    },
  };
}

/** A stored token as operators see it, without its hash. */
function viewToken(
  name: string,
  { tokenHash: _secret, ...kept }: StoredToken,
  usedAtMs: number | undefined,
): TokenView {
  // An older token of that name may have been used.
  const wasUsed = usedAtMs !== undefined && usedAtMs >= kept.createdAtMs;
  return wasUsed ? { name, ...kept, lastUsedAtMs: usedAtMs } : { name, ...kept };
}

/** The result of comparing a presented token with the stored one of that name. */
function proofOf(
  claim: { readonly name: string; readonly token: string },
  kept: StoredToken | undefined,
  nowMs: number,
): Proof {
  // Hashed and compared in the same way for an unknown name, so that timing does not reveal which names exist.
  const isRight = isKept(claim.token, kept?.tokenHash ?? "0".repeat(64), hashSecret);
  if (!isRight || kept === undefined) return { kind: "unknown" };
  const { expiresAtMs, role } = kept;
  if (expiresAtMs !== undefined && hasExpired(kept, nowMs))
    return { kind: "expired", name: claim.name, atMs: expiresAtMs };
  return { kind: "known", caller: { name: claim.name, role } };
}

/** One that was made while the clock was ahead would outlive its time by as much. */
function hasExpired({ expiresAtMs, createdAtMs }: StoredToken, nowMs: number): boolean {
  return expiresAtMs !== undefined && (expiresAtMs <= nowMs || isAhead(createdAtMs, nowMs));
}
