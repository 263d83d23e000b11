import { type Context, Hono } from "hono";
import * as v from "valibot";
import { openApiDocument } from "../../contract/operator/openapi.ts";
import type { Route } from "../../contract/operator/routes/route.ts";
import { requestHeader } from "../../contract/operator/routes/route.ts";
import { type OperatorRoute, operatorRoutes } from "../../contract/operator/routes.ts";
import type { StatusView } from "../../contract/operator/views.ts";
import { faultMessages, faultsOf, shapesAdvice } from "../../contract/shape-faults.ts";
import { plainFacts } from "../../core/bytes/plain-text.ts";
import { refuseUnreadable } from "../../core/machine/unreadable-record.ts";
import { answerJson } from "../http/json-answer.ts";
import { atMost, faultAnswer, lastHandlers, type Read } from "../http/problem.ts";
import { inRequest } from "../request-origin.ts";
import { forEachInTurns } from "../turns.ts";
import { actHandlers } from "./act.ts";
import { backupHandlers } from "./backup.ts";
import { admit, type OperatorEnv } from "./caller/authenticate.ts";
import { failedAttempts } from "./caller/failed-attempts.ts";
import { readOrigin } from "./caller/origin.ts";
import { sessionHandlers } from "./caller/session-routes.ts";
import { tokenHandlers } from "./caller/token-routes.ts";
import { describeHandlers } from "./describe.ts";
import { erasureHandlers } from "./erasures.ts";
import { exportHandlers } from "./export.ts";
import { fleetHandlers } from "./fleet/handlers.ts";
import type { Handler, Handlers, OperatorDeps, RouteRequest } from "./handler.ts";
import { imageHandlers } from "./images.ts";
import { openImports } from "./imports.ts";
import { streamHandlers } from "./promote.ts";
import { readHandlers } from "./read.ts";
import { whyHandler } from "./why.ts";

/** The operators' API of the MDB (contract/operator-routes.ts). main serves it on a Unix socket and over TLS. */
export function operatorApp(deps: OperatorDeps): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>();
  const document = openApiDocument(deps.version);
  const startedAtMs = deps.clock.nowMs();
  const { onError, notFound } = lastHandlers(deps.log, "see GET /v1/openapi.json for the routes");
  app.onError(onError);
  app.notFound(notFound);
  const failures = failedAttempts();
  const imports = openImports(deps.clock);
  const handlers: Handlers<OperatorRoute> = {
    openapi: ({ c }) => answerJson(c, document),
    status: (request) => status(request, startedAtMs),
    ...readHandlers(deps, imports),
    ...fleetHandlers(deps, { startedAtMs, imports }),
    ...actHandlers(),
    why: whyHandler,
    ...describeHandlers,
    ...erasureHandlers,
    ...streamHandlers,
    ...imageHandlers,
    ...tokenHandlers,
    ...sessionHandlers(failures),
    ...exportHandlers,
    ...backupHandlers,
  };
  const { tokens, sessions, clock, log } = deps;
  const guard = { tokens, sessions, clock, log, failures };
  const names = Object.keys(operatorRoutes) as OperatorRoute[];
  for (const name of names) {
    const route: Route = operatorRoutes[name];
    const handler = handlers[name] as Handler<OperatorRoute>;
    app.on(route.method, route.path, admit(route, guard), atMost(bodyBytes), async (c) => {
      const read = await readRequest(c, route);
      if (read.kind === "refused") return read.response;
      const request = { c, deps, caller: c.get("caller"), ...read.value } as RouteRequest<OperatorRoute>;
      if (route.method === "GET") return await handler(request);
      const origin = readOrigin(c, read.value.body);
      if (origin.kind === "refused") return origin.response;
      c.header(requestHeader, origin.value.id);
      return await inRequest(origin.value, () => handler(request));
    });
  }
  for (const path of new Set(names.map((name) => operatorRoutes[name].path))) {
    const allow = names.filter((name) => operatorRoutes[name].path === path).map((name) => operatorRoutes[name].method);
    app.all(path, (c) => {
      c.header("allow", allow.join(", "));
      return faultAnswer(c, "wrongMethod", `${c.req.method} ${path}`, `use ${allow.join(" or ")}`);
    });
  }
  return app;
}

/** The largest body: a batch that names ten thousand machines. */
const bodyBytes = 1024 * 1024;

/** Query and body of a request; anything that the route's row does not allow is refused. */
async function readRequest(c: Context, route: Route): Promise<Read<{ query: unknown; body: unknown }>> {
  const refused = (response: Response) => ({ kind: "refused", response }) as const;
  const answerType = route.answerType ?? "application/json";
  if (!accepts(c.req.header("accept"), answerType)) {
    return refused(
      faultAnswer(
        c,
        "notAcceptable",
        `accept: expected ${answerType}, the type of this route`,
        `send accept: ${answerType}`,
      ),
    );
  }
  const queries = c.req.queries();
  const repeated = Object.keys(queries).find((key) => (queries[key]?.length ?? 0) > 1);
  if (repeated !== undefined) {
    return refused(
      faultAnswer(c, "wrongQuery", `${repeated.slice(0, 100)}: expected once, found more than once`, shapesAdvice),
    );
  }
  const query = v.safeParse(route.query, c.req.query(), faultMessages);
  if (!query.success) return refused(faultAnswer(c, "wrongQuery", faultsOf(query.issues), shapesAdvice));
  if (route.body === undefined) return { kind: "read", value: { query: query.output, body: undefined } };

  const text = await c.req.text().catch(() => undefined);
  if (text === undefined) {
    const detail = "body: expected complete UTF-8 text; the connection was cut, or the text is invalid";
    return refused(faultAnswer(c, "malformed", detail, "send it again"));
  }
  const bodyType = route.bodyType ?? "application/json";
  const given = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (text !== "" && given !== bodyType) {
    const detail = `content-type: expected ${bodyType}, found ${given?.slice(0, 100) ?? "nothing"}`;
    return refused(faultAnswer(c, "wrongType", detail, `send content-type: ${bodyType}`));
  }
  let document: unknown;
  try {
    document = text === "" ? {} : plainFacts(JSON.parse(text));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return refused(faultAnswer(c, "malformed", detail.slice(0, 200), "send one JSON document"));
  }
  const body = v.safeParse(route.body, document, faultMessages);
  if (!body.success) return refused(faultAnswer(c, "misshapen", faultsOf(body.issues), shapesAdvice));
  return { kind: "read", value: { query: query.output, body: body.output } };
}

/**
 * Whether an `Accept` header allows a type (RFC 9110 §12.5.1; with only one type to choose from, only a weight of 0
 * matters).
 */
function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === "") return true;
  const [family] = type.split("/");
  return header.split(",").some((range) => {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const fits = name === "*/*" || name === `${family}/*` || name === type;
    return fits && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** Records named in a status: after a server's downgrade it may be all of them. */
const unreadableLimit = 20;

async function status(
  { c, deps: { store, clock, version } }: RouteRequest<"status">,
  startedAtMs: number,
): Promise<Response> {
  const machines: { [state: string]: number } = {};
  await forEachInTurns([...store.list()], ({ state }) => {
    machines[state] = (machines[state] ?? 0) + 1;
  });
  const unreadable = store
    .unreadable()
    .slice(0, unreadableLimit)
    .map((record) => {
      const { message, next } = refuseUnreadable(record);
      return { id: record.id, message, next };
    });
  const damaged = unreadable.length === 0 ? {} : { unreadable };
  return answerJson(c, { version, startedAtMs, nowMs: clock.nowMs(), machines, ...damaged } satisfies StatusView);
}
