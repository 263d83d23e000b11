import { linkPath } from "../../../contract/operator/session.ts";
import type { Clock, Log, Random, Store } from "../../../core/ports.ts";
import type { Role } from "../../../core/role.ts";
import type { DocumentOf, StoredSession } from "../../../core/store/stored-documents.ts";
import { hashSecret, newSecret } from "../../http/credential.ts";
import { inRequest, requestNow } from "../../request-origin.ts";
import type { Caller } from "./caller.ts";
import type { Tokens } from "./tokens.ts";

/** A session without use ends after this time, and every session after the longer one. */
export const idleMs = 12 * 3_600_000;
export const longestMs = 7 * 24 * 3_600_000;
/** Sessions of one token or user, and of all together; the one that was used least recently makes place. */
export const sessionsPerCaller = 32;
export const sessionLimit = 2000;
/** How long a one-time link is good for, and how many are at the same time. */
export const linkMs = 60_000;
const linkLimit = 100;
/** Interval at which the use of a session is recorded; otherwise each request would be a write. */
const noteMs = 600_000;

/** A session that a request belongs to. */
export type OpenSession = { readonly caller: Caller; readonly endsAtMs: number };
/** A new session, with the secret of its cookie. */
export type NewSession = OpenSession & { readonly secret: string };

/** The sessions of browsers. They are in the database: they outlive a restart, and all servers of a database know them. */
export type Sessions = {
  /** Opens a session with the token that an `Authorization` header would present. */
  readonly openWithToken: (token: string) => Promise<NewSession | undefined>;
  /** Opens a session with the secret of a link, which is used up. */
  readonly openWithLink: (secret: string) => Promise<NewSession | undefined>;
  /** The session of a cookie's secret; undefined if there is none, if it ended, or if its token is no longer valid. */
  readonly find: (secret: string) => OpenSession | undefined;
  /** Ends the session of a secret; the number of sessions that ended. */
  readonly close: (secret: string) => Promise<number>;
  readonly closeAll: (by: string) => Promise<number>;
  /** Creates a one-time link for this user of the server's computer; undefined if there are too many. */
  readonly createLink: (
    user: string,
    role: Role,
  ) => { readonly path: string; readonly expiresAtMs: number } | undefined;
};

type Link = {
  readonly user: string;
  readonly role: Role;
  readonly untilMs: number;
  /** Why it was created: the audit has it with the session. */
  readonly reason: string | undefined;
};

/** Sessions in a store; links are in memory, because they are good for a minute. */
export function sessionsIn(deps: {
  readonly store: Pick<Store, "documents" | "putDocument" | "replaceDocument" | "dropDocument">;
  readonly tokens: Pick<Tokens, "prove" | "stillHeld">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Sessions {
  const { store, tokens, clock, random } = deps;
  const links = new Map<string, Link>();
  const memory = sessionMemory(deps);

  const open = async (who: Pick<StoredSession, "token" | "tokenHash" | "user" | "role">): Promise<NewSession> => {
    const nowMs = clock.nowMs();
    await makePlace(store, who, (session) => memory.callerOf(session, nowMs) !== undefined);
    const secret = newSecret(random);
    const document: StoredSession = { ...who, createdAtMs: nowMs, usedAtMs: nowMs };
    const caller = memory.callerOf(document, nowMs);
    if (caller === undefined) throw new Error("a session was opened for a token that was revoked meanwhile");
    await store.putDocument({ kind: "session", key: hashSecret(secret), document, by: caller.name });
    return { caller, endsAtMs: nowMs + longestMs, secret };
  };

  return {
    openWithToken: async (token) => {
      const proof = tokens.prove(`Bearer ${token}`);
      if (proof.kind !== "known") return undefined;
      return await open({ token: proof.caller.name, tokenHash: hashSecret(token) });
    },
    openWithLink: async (secret) => {
      const key = hashSecret(secret);
      const link = links.get(key);
      links.delete(key);
      if (link === undefined || link.untilMs <= clock.monotonicMs()) return undefined;
      const { user, role, reason } = link;
      const { request } = requestNow();
      if (request === undefined || reason === undefined) return await open({ user, role });
      return await inRequest({ ...request, reason }, () => open({ user, role }));
    },
    find: memory.find,
    close: async (secret) => {
      const session = memory.find(secret);
      if (session === undefined) return 0;
      await store.dropDocument({ kind: "session", key: hashSecret(secret), by: session.caller.name });
      return 1;
    },
    closeAll: async (by) => {
      const all = store.documents("session");
      for (const { key } of all) await store.dropDocument({ kind: "session", key, by });
      return all.length;
    },
    createLink: (user, role) => {
      const nowMs = clock.monotonicMs();
      for (const [key, { untilMs }] of links) if (untilMs <= nowMs) links.delete(key);
      if (links.size >= linkLimit) return undefined;
      const secret = newSecret(random);
      links.set(hashSecret(secret), { user, role, untilMs: nowMs + linkMs, reason: requestNow().request?.reason });
      return { path: `${linkPath}#${secret}`, expiresAtMs: clock.nowMs() + linkMs };
    },
  };
}

/** Finds sessions by their secrets: each request does, so that it costs no search. */
function sessionMemory({ store, tokens, clock, log }: Parameters<typeof sessionsIn>[0]) {
  let listed: readonly DocumentOf<"session">[] = [];
  let byKey = new Map<string, StoredSession>();
  const notedAtMs = new Map<string, number>();

  const callerOf = (session: StoredSession, nowMs: number): Caller | undefined => {
    const { createdAtMs, usedAtMs, token, tokenHash, user, role } = session;
    // One from the future was opened before the clock was set right: it would outlive its time.
    if (createdAtMs > nowMs || nowMs - createdAtMs >= longestMs || nowMs - usedAtMs >= idleMs) return undefined;
    if (user !== undefined && role !== undefined) return { name: `uid:${user} (web)`, role };
    const held = token === undefined ? undefined : tokens.stillHeld(token, tokenHash ?? "");
    return held === undefined ? undefined : { name: `${held.name} (web)`, role: held.role };
  };

  const noteUse = (key: string, session: StoredSession, nowMs: number) => {
    if (nowMs - Math.max(session.usedAtMs, notedAtMs.get(key) ?? 0) < noteMs) return;
    notedAtMs.set(key, nowMs);
    // Only if it is still there: the note must not bring back a session that is being ended.
    store
      .replaceDocument({
        ...{ kind: "session", key, document: { ...session, usedAtMs: nowMs } },
        onlyIf: (now) => now !== undefined,
      })
      .catch((cause: unknown) => log("warn", "recording the use of a session failed", { cause }));
  };

  return {
    callerOf,
    find: (secret: string): OpenSession | undefined => {
      const all = store.documents("session");
      if (all !== listed) {
        listed = all;
        byKey = new Map(all.map(({ key, document }) => [key, document]));
        for (const key of notedAtMs.keys()) if (!byKey.has(key)) notedAtMs.delete(key);
      }
      const key = hashSecret(secret);
      const session = byKey.get(key);
      const nowMs = clock.nowMs();
      const caller = session === undefined ? undefined : callerOf(session, nowMs);
      if (session === undefined || caller === undefined) return undefined;
      noteUse(key, session, nowMs);
      return { caller, endsAtMs: session.createdAtMs + longestMs };
    },
  };
}

/** Drops sessions that are over, and of those of a caller, and of all, the least recently used beyond the limits. */
async function makePlace(
  store: Parameters<typeof sessionsIn>[0]["store"],
  who: Pick<StoredSession, "token" | "user">,
  isOpen: (session: StoredSession) => boolean,
): Promise<void> {
  const drop = (key: string) => store.dropDocument({ kind: "session", key });
  const open: DocumentOf<"session">[] = [];
  for (const held of store.documents("session")) {
    if (isOpen(held.document)) open.push(held);
    else await drop(held.key);
  }
  open.sort((a, b) => a.document.usedAtMs - b.document.usedAtMs);
  const own = open.filter(({ document }) => document.token === who.token && document.user === who.user);
  const tooMany = new Set([
    ...own.slice(0, Math.max(0, own.length - sessionsPerCaller + 1)),
    ...open.slice(0, Math.max(0, open.length - sessionLimit + 1)),
  ]);
  for (const { key } of tooMany) await drop(key);
}
