import type { SessionView } from "../../../contract/operator/session.ts";
import { answerJson } from "../../http/json-answer.ts";
import { faultAnswer } from "../../http/problem.ts";
import type { Handlers, OperatorDeps, RouteRequest } from "../handler.ts";
import { tooManyAttempts } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import { cookieSecret, foreignPage, setCookie } from "./own-page.ts";
import { longestMs } from "./sessions.ts";

type SessionRoute = "session" | "openSession" | "closeSession" | "closeSessions" | "createLink";

/** The routes for sessions of browsers. */
export function sessionHandlers(failures: FailedAttempts): Handlers<SessionRoute> {
  return {
    session: ({ c, deps, caller }) => {
      const found = deps.sessions.find(cookieSecret(c) ?? "");
      return answerJson(c, viewOf(deps, caller, found?.endsAtMs));
    },
    openSession: (request) => openSession(request, failures),
    closeSession: async ({ c, deps }) => {
      const ended = await deps.sessions.close(cookieSecret(c) ?? "");
      c.header("set-cookie", setCookie(undefined, 0));
      return answerJson(c, { ended });
    },
    closeSessions: async ({ c, deps, caller }) => answerJson(c, { ended: await deps.sessions.closeAll(caller.name) }),
    createLink: async ({ c, deps, caller, body }) => {
      const link = deps.sessions.createLink(caller.name.replace(/^uid:/, ""), body.role);
      if (link === undefined) {
        const detail = "expected fewer than 100 links at the same time, found 100";
        return faultAnswer(c, "tooManyTokens", detail, "wait a minute, until the links that nobody used have expired");
      }
      deps.log("info", "one-time link to the dashboard created", { by: caller.name, role: body.role });
      return answerJson(c, { ...link, ...((await deps.dashboardAddress?.()) ?? { bases: [] }) }, { status: 201 });
    },
  };
}

async function openSession(
  { c, deps, body }: RouteRequest<"openSession">,
  failures: FailedAttempts,
): Promise<Response> {
  const foreign = foreignPage(c);
  if (foreign !== undefined)
    return faultAnswer(c, "notAllowed", foreign, "open the dashboard in a browser; other programs present a token");
  const listener = c.env.listener;
  const client = listener?.kind === "tls" ? listener.client : "";
  const nowMs = deps.clock.monotonicMs();
  const { sessions } = deps;
  const opened = await ("token" in body ? sessions.openWithToken(body.token.trim()) : sessions.openWithLink(body.link));
  if (opened !== undefined) {
    c.header("set-cookie", setCookie(opened.secret, longestMs / 1000));
    return answerJson(c, viewOf(deps, opened.caller, opened.endsAtMs), { status: 201 });
  }
  const wait = tooManyAttempts(c, { failures, client, nowMs });
  if (wait !== undefined) return wait;
  failures.note(client, nowMs);
  const [what, next] =
    "token" in body
      ? ["invalid, expired or revoked token", "ask an admin for a token: birther tokens create NAME --role viewer"]
      : ["the link was used, or it is older than a minute", "run birther dashboard again for a new one"];
  deps.log("warn", "no session opened", { client, why: what });
  return faultAnswer(c, "notKnown", what, next);
}

function viewOf({ version, clock }: OperatorDeps, caller: Caller, endsAtMs: number | undefined): SessionView {
  return { ...caller, version, nowMs: clock.nowMs(), ...(endsAtMs === undefined ? {} : { endsAtMs }) };
}
