import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { escapeCommands } from "../../core/bytes/plain-text.ts";

/** JSON in which a terminal obeys nothing, for answers that an operator may look at with curl: records may hold foreign text. */
export function jsonText(value: unknown): string {
  return escapeCommands(JSON.stringify(value));
}

/** An answer of this JSON, with status 200 unless another one is given. */
export function answerJson(c: Context, value: unknown, { status = 200, headers = {} }: JsonAnswer = {}): Response {
  return c.body(jsonText(value), status, { "content-type": "application/json", ...headers });
}

type JsonAnswer = { readonly status?: ContentfulStatusCode; readonly headers?: { readonly [name: string]: string } };
