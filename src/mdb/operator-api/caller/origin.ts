import { randomBytes } from "node:crypto";
import type { Context } from "hono";
import { reasonHeader, reasonLimit } from "../../../contract/operator/routes/route.ts";
import { plainText } from "../../../core/bytes/plain-text.ts";
import type { RequestOrigin } from "../../../core/ports.ts";
import { faultAnswer, type Read } from "../../http/problem.ts";
import type { OperatorEnv } from "./authenticate.ts";

/** What the audit says of a request that may change something: where it comes from and why, by its header or its body. */
export function readOrigin(c: Context<OperatorEnv>, body: unknown): Read<RequestOrigin> {
  const { listener } = c.env ?? {};
  const from = listener?.kind === "tls" ? listener.client : "local";
  const id = randomBytes(4).toString("hex");
  const given = decoded(c.req.header(reasonHeader));
  if (given !== "malformed") {
    const reason = given?.text ?? reasonIn(body);
    return { kind: "read", value: { id, from, ...(reason === undefined ? {} : { reason }) } };
  }
  const detail = `${reasonHeader}: expected at most ${reasonLimit} characters, percent-encoded as in a URL`;
  return { kind: "refused", response: faultAnswer(c, "malformed", detail, "send a shorter reason, encoded") };
}

/** The text of a header; undefined without one. */
function decoded(header: string | undefined): { readonly text: string } | "malformed" | undefined {
  if (header === undefined || header === "") return undefined;
  try {
    const text = plainText(decodeURIComponent(header)).trim();
    return text.length > reasonLimit ? "malformed" : { text };
  } catch {
    return "malformed";
  }
}

function reasonIn(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("reason" in body)) return undefined;
  return typeof body.reason === "string" ? body.reason : undefined;
}
