import type { Context } from "hono";
import { changeHeader, sessionCookie } from "../../../contract/operator/session.ts";

/** The secret in the session's cookie; undefined if the request has none of our format. */
export function cookieSecret(c: Context): string | undefined {
  const parts = (c.req.header("cookie") ?? "").split(";").map((part) => part.trim());
  const values = parts.filter((part) => part.startsWith(`${sessionCookie}=`)).map((part) => part.split("=")[1] ?? "");
  // A browser sends one; two would mean that someone planted another.
  const [secret, second] = values;
  return second === undefined && secret !== undefined && /^[0-9a-f]{64}$/.test(secret) ? secret : undefined;
}

/** Why a request is not one of the server's own pages, which alone may use a session; undefined if it is. */
export function foreignPage(c: Context): string | undefined {
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  // A browser says both itself; a page cannot change them (Fetch Metadata §2, RFC 6454 §7).
  if (site !== undefined && site !== "same-origin") return `sec-fetch-site: expected same-origin, found ${site}`;
  if (origin !== undefined && !isOwn(origin, c.req.header("host")))
    return `origin: expected that of this server, found ${origin.slice(0, 100)}`;
  if (site === undefined && origin === undefined) return "expected the header sec-fetch-site or origin, found neither";
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  if (!isRead && c.req.header(changeHeader) !== "1") return `expected the header ${changeHeader}: 1`;
  return undefined;
}

function isOwn(origin: string, host: string | undefined): boolean {
  const given = URL.parse(origin);
  return given?.protocol === "https:" && given.host === URL.parse(`https://${host ?? ""}`)?.host;
}

/** The `Set-Cookie` header of a session; without a secret, the one that ends it. */
export function setCookie(secret: string | undefined, maxAgeSeconds: number): string {
  const age = secret === undefined ? 0 : maxAgeSeconds;
  return `${sessionCookie}=${secret ?? ""}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=Strict`;
}
