import type { Context, MiddlewareHandler } from "hono";
import type { Route } from "../../../contract/operator/routes/route.ts";
import type { Clock, Log } from "../../../core/ports.ts";
import { roles } from "../../../core/role.ts";
import { faultAnswer, type Read } from "../../http/problem.ts";
import type { Caller } from "./caller.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import { cookieSecret, foreignPage } from "./own-page.ts";
import type { Sessions } from "./sessions.ts";
import type { Proof, Tokens } from "./tokens.ts";

/** The listener that received a request; main names it with each request. A request without one is refused. */
export type Listener =
  /** The Unix socket, which only its owner and root can open. */
  | { readonly kind: "socket"; readonly user: string }
  /** TLS, from this address. */
  | { readonly kind: "tls"; readonly client: string };
/** The context of a request of the operators' API: `listener` comes with it, `caller` is determined here. */
export type OperatorEnv = {
  readonly Bindings: { readonly listener?: Listener };
  /** `isStillKnown`: whether a long answer to the caller may go on. */
  Variables: { caller: Caller; isStillKnown: () => boolean };
};

export type Guard = {
  readonly tokens: Pick<Tokens, "prove">;
  readonly sessions: Pick<Sessions, "find">;
  readonly failures: FailedAttempts;
  readonly clock: Clock;
  readonly log: Log;
};

/** Lets a request through to a route if its caller's role allows it. */
export function admit({ role, path }: Pick<Route, "role" | "path">, guard: Guard): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    if (role === "anyone") {
      c.set("caller", { name: "anyone", role: "viewer" });
      return await next();
    }
    const found = authenticateCaller(c, guard);
    if (found.kind === "refused") return found.response;
    const caller = found.value;
    if (roles.indexOf(caller.role) < roles.indexOf(role)) {
      const detail = `${path}: expected the role ${role}, found ${caller.role} (${caller.name})`;
      return faultAnswer(
        c,
        "notAllowed",
        detail,
        `ask an admin for a token of that role: birther tokens create NAME --role ${role}`,
      );
    }
    c.set("caller", caller);
    return await next();
  };
}

function authenticateCaller(c: Context<OperatorEnv>, guard: Guard): Read<Caller> {
  const { tokens, failures, clock, log } = guard;
  const refused = (response: Response) => ({ kind: "refused", response }) as const;
  const { listener } = c.env ?? {};
  c.set("isStillKnown", () => true);
  if (listener?.kind === "socket") return { kind: "read", value: { name: `uid:${listener.user}`, role: "admin" } };
  const client = listener?.client ?? "";
  const nowMs = clock.monotonicMs();
  const header = c.req.header("authorization");
  const session = header === undefined && listener !== undefined ? bySession(c, guard) : undefined;
  if (session !== undefined) return session;
  // A request without a listener is not authenticated.
  const proof: Proof = listener === undefined ? { kind: "unknown" } : tokens.prove(header);
  // A valid token is served whatever others at that address present: many operators may share one.
  if (proof.kind === "known") {
    c.set("isStillKnown", () => tokens.prove(header).kind === "known");
    return { kind: "read", value: proof.caller };
  }
  const wait = tooManyAttempts(c, { failures, client, nowMs });
  if (wait !== undefined) return refused(wait);
  c.header("www-authenticate", 'Bearer realm="birther"');
  if (header === undefined) {
    const next =
      "send authorization: Bearer TOKEN; an admin creates a token with birther tokens create NAME --role viewer";
    return refused(faultAnswer(c, "notKnown", "the request has no token", next));
  }
  failures.note(client, nowMs);
  log("warn", "token refused", {
    client,
    why: proof.kind,
    ...(proof.kind === "expired" ? { name: proof.name } : {}),
  });
  const detail =
    proof.kind === "expired"
      ? `the token of ${proof.name} expired at ${new Date(proof.atMs).toISOString()}`
      : "invalid or revoked token";
  return refused(
    faultAnswer(c, "notKnown", detail, "ask an admin for a new token: birther tokens create NAME --role viewer"),
  );
}

/** The caller by the session of a browser; undefined without a cookie. Only the server's own pages may use it. */
function bySession(c: Context<OperatorEnv>, { sessions }: Guard): Read<Caller> | undefined {
  const secret = cookieSecret(c);
  if (secret === undefined) return undefined;
  const foreign = foreignPage(c);
  if (foreign !== undefined) {
    const next = "use the dashboard's own page; other programs present a token";
    return { kind: "refused", response: faultAnswer(c, "notAllowed", foreign, next) };
  }
  const session = sessions.find(secret);
  if (session === undefined) {
    const next = "open the dashboard again with a token, or with birther dashboard on the server";
    return { kind: "refused", response: faultAnswer(c, "notKnown", "the session has ended", next) };
  }
  c.set("isStillKnown", () => sessions.find(secret) !== undefined);
  return { kind: "read", value: session.caller };
}

/** The refusal of a client that presented too many invalid credentials; undefined if it may try. */
export function tooManyAttempts(
  c: Context,
  { failures, client, nowMs }: { readonly failures: FailedAttempts; readonly client: string; readonly nowMs: number },
): Response | undefined {
  const waitMs = failures.waitMs(client, nowMs);
  if (waitMs <= 0) return undefined;
  const seconds = Math.ceil(waitMs / 1000);
  c.header("retry-after", String(seconds));
  const detail = `too many invalid credentials from ${client}`;
  return faultAnswer(c, "tooManyFailures", detail, `wait ${seconds} s, then try again`);
}
