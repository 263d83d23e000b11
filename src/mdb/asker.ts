import type { Context, MiddlewareHandler } from "hono";
import { type Role, type Route, roles } from "../contract/operator-routes.ts";
import { faultAnswer } from "./problem.ts";

/** By which door a request came in; main says so with each request. One without a door is refused. */
export type Door =
  /** The Unix socket, which only its owner and root may open. */
  | { readonly kind: "socket"; readonly user: string }
  /** TLS, from this address. */
  | { readonly kind: "tls"; readonly client: string };

/** Who asks, as the audit will name them, and what they may do. */
export type Asker = { readonly name: string; readonly role: Role };

/** The types of a request of the operators' API: `door` comes with it, `asker` is found here. */
export type OperatorEnv = { readonly Bindings: { readonly door?: Door }; Variables: { asker: Asker } };

/** Lets a request through to a route if whoever asks may use it. */
export function admit({ role, path }: Pick<Route, "role" | "path">): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    const asker = askerOf(c);
    if (role === "anyone" || (asker !== undefined && roles.indexOf(asker.role) >= roles.indexOf(role))) {
      c.set("asker", asker ?? { name: "anyone", role: "viewer" });
      return await next();
    }
    if (asker === undefined) {
      c.header("www-authenticate", "Bearer");
      return faultAnswer(c, "notKnown", "no credential came with the request", "ask over the server's Unix socket");
    }
    const detail = `${path} wants a ${role}; ${asker.name} is a ${asker.role}`;
    return faultAnswer(c, "notAllowed", detail, `ask an admin for a token of role ${role}`);
  };
}

function askerOf(c: Context<OperatorEnv>): Asker | undefined {
  const { door } = c.env;
  return door?.kind === "socket" ? { name: `uid:${door.user}`, role: "admin" } : undefined;
}
