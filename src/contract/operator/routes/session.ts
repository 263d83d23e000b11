import * as answers from "../answers/session.ts";
import { linkBody, sessionBody } from "../requests/caller.ts";
import { noQuery } from "../requests/values.ts";
import type { Routes } from "./route.ts";

/** Sessions of browsers, in place of tokens. */
export const sessionRoutes = {
  session: {
    method: "GET",
    path: "/v1/session",
    role: "viewer",
    says: "who the caller is, and the server's version",
    query: noQuery,
    answer: answers.sessionAnswer,
  },
  openSession: {
    method: "POST",
    path: "/v1/session",
    role: "anyone",
    says:
      "open a session of a browser with a token or a one-time link; the answer sets the cookie __Host-birther, which counts " +
      "only for requests of the server's own pages (Sec-Fetch-Site: same-origin), and for changes only with the header birther-dashboard",
    query: noQuery,
    body: sessionBody,
    answer: answers.sessionAnswer,
    status: 201,
  },
  closeSession: {
    method: "DELETE",
    path: "/v1/session",
    role: "viewer",
    says: "end the session of the browser that asks",
    query: noQuery,
    answer: answers.endedAnswer,
  },
  closeSessions: {
    method: "DELETE",
    path: "/v1/sessions",
    role: "admin",
    says: "end the sessions of all browsers",
    query: noQuery,
    answer: answers.endedAnswer,
  },
  createLink: {
    method: "POST",
    path: "/v1/session-links",
    role: "admin",
    says: "create a link that opens the dashboard once, within a minute",
    query: noQuery,
    body: linkBody,
    answer: answers.linkAnswer,
    status: 201,
  },
} as const satisfies Routes;
