import { auditAnswer } from "../answers/audit.ts";
import { createdTokenAnswer, revokedTokenAnswer, tokensAnswer } from "../answers/token.ts";
import { tokenBody } from "../requests/caller.ts";
import { auditQuery } from "../requests/history.ts";
import { noQuery } from "../requests/values.ts";
import type { Routes } from "./route.ts";

/** The callers and what they did. */
export const tokensRoutes = {
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    role: "admin",
    says: "the tokens: names, roles, last use",
    query: noQuery,
    answer: tokensAnswer,
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    role: "admin",
    says: "create a token; only this answer contains it",
    query: noQuery,
    body: tokenBody,
    answer: createdTokenAnswer,
    status: 201,
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/tokens/:name",
    role: "admin",
    says: "revoke a token",
    query: noQuery,
    answer: revokedTokenAnswer,
  },
  audit: {
    method: "GET",
    path: "/v1/audit",
    role: "operator",
    says: "who changed what, newest first, with the values before and after",
    query: auditQuery,
    answer: auditAnswer,
  },
} as const satisfies Routes;
