import type { Context, MiddlewareHandler } from "hono";
import { roles } from "../../../contract/operator/role.ts";
import type { Route } from "../../../contract/operator/routes.ts";
import type { Clock, Log } from "../../../core/ports.ts";
import { faultAnswer, type Read } from "../../http/problem.ts";
import type { Asker } from "./caller.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import type { Tokens } from "./tokens.ts";

/** By which door a request came in; main says so with each request. One without a door is refused. */
export type Door =
  /** The Unix socket, which only its owner and root may open. */
  | { readonly kind: "socket"; readonly user: string }
  /** TLS, from this address. */
  | { readonly kind: "tls"; readonly client: string };
/** The types of a request of the operators' API: `door` comes with it, `asker` is found here. */
export type OperatorEnv = { readonly Bindings: { readonly door?: Door }; Variables: { asker: Asker } };

export type Gate = {
  readonly tokens: Pick<Tokens, "prove">;
  readonly failures: FailedAttempts;
  readonly clock: Clock;
  readonly log: Log;
};

/** Lets a request through to a route if whoever asks may use it. */
export function admit({ role, path }: Pick<Route, "role" | "path">, gate: Gate): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    if (role === "anyone") {
      c.set("asker", { name: "anyone", role: "viewer" });
      return await next();
    }
    const found = findAsker(c, gate);
    if (found.kind === "refused") return found.response;
    const asker = found.value;
    if (roles.indexOf(asker.role) < roles.indexOf(role)) {
      const detail = `${path} wants the role ${role}; ${asker.name} is ${asker.role}`;
      return faultAnswer(c, "notAllowed", detail, `ask an admin: birther tokens create NAME --role ${role}`);
    }
    c.set("asker", asker);
    return await next();
  };
}

function findAsker(c: Context<OperatorEnv>, { tokens, failures, clock, log }: Gate): Read<Asker> {
  const refused = (response: Response) => ({ kind: "refused", response }) as const;
  const { door } = c.env ?? {};
  if (door?.kind === "socket") return { kind: "read", value: { name: `uid:${door.user}`, role: "admin" } };
  const client = door?.client ?? "";
  const nowMs = clock.nowMs();
  const waitMs = failures.waitMs(client, nowMs);
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000);
    c.header("retry-after", String(seconds));
    return refused(faultAnswer(c, "tooManyFailures", `too many from ${client}`, `wait ${seconds} s`));
  }
  const header = c.req.header("authorization");
  // A request that no door brought in comes from nobody.
  const proof = door === undefined ? ({ kind: "unknown" } as const) : tokens.prove(header);
  if (proof.kind === "known") return { kind: "read", value: proof.asker };
  c.header("www-authenticate", 'Bearer realm="birther"');
  if (header === undefined) {
    const next = "send authorization: Bearer TOKEN; an admin makes one: birther tokens create NAME --role viewer";
    return refused(faultAnswer(c, "notKnown", "no token came with the request", next));
  }
  failures.note(client, nowMs);
  log("warn", "a token was refused", {
    client,
    why: proof.kind,
    ...(proof.kind === "expired" ? { name: proof.name } : {}),
  });
  const detail =
    proof.kind === "expired"
      ? `the token of ${proof.name} expired at ${new Date(proof.atMs).toISOString()}`
      : "the token is none of ours, or was revoked";
  return refused(
    faultAnswer(c, "notKnown", detail, "ask an admin for a new one: birther tokens create NAME --role viewer"),
  );
}
