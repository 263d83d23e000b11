/**
 * Every route of the operators' API: JSON over HTTP, on the Unix socket `STATE/api.sock` and over TLS. A row here and a
 * handler in src/mdb/operator-api make a route; docs/openapi.json is generated from the rows.
 * A refusal is `application/problem+json` with the shape of `problem` (problem.ts).
 */
import type * as v from "valibot";
import { actionsRoutes } from "./routes/actions.ts";
import { exportsRoutes } from "./routes/exports.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { machinesRoutes } from "./routes/machines.ts";
import { sessionRoutes } from "./routes/session.ts";
import { siteRoutes } from "./routes/site.ts";
import { tokensRoutes } from "./routes/tokens.ts";

/** All routes by name. */
export const operatorRoutes = {
  ...machinesRoutes,
  ...fleetRoutes,
  ...actionsRoutes,
  ...tokensRoutes,
  ...sessionRoutes,
  ...siteRoutes,
  ...exportsRoutes,
} as const;

type Table = typeof operatorRoutes;
/** The name of a route. */
export type OperatorRoute = keyof Table;

/** The query of a route as its handler gets it. */
export type QueryOf<R extends OperatorRoute> = v.InferOutput<Table[R]["query"]>;
/** The body of a route as its handler gets it; undefined for routes that take none. */
export type BodyOf<R extends OperatorRoute> = Table[R] extends { readonly body: infer B extends v.GenericSchema }
  ? v.InferOutput<B>
  : undefined;
