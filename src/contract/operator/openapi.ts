/** docs/openapi.json: the operators' API as OpenAPI 3.1, made of the table of routes and its schemas. */
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { roles } from "../../core/role.ts";
import { problem } from "../problem.ts";
import { entriesOf, wrappedIn } from "../schema-walk.ts";
import { changeAnswer, machineAnswer } from "./answers/machine.ts";
import { type Route, reasonHeader } from "./routes/route.ts";
import { operatorRoutes } from "./routes.ts";

/** Schemas that stand in many answers: written once, named. */
const components = { Problem: problem, Machine: machineAnswer, Change: changeAnswer };

type Json = { readonly [key: string]: unknown };

/** A JSON Schema of what is sent (`input`: before it is read). What only code can check stands in its description. */
function schemaOf(schema: v.GenericSchema, known: typeof components | Json = components): Json {
  const {
    $schema: _draft,
    $defs: _named,
    ...json
  } = toJsonSchema(schema as v.GenericSchema<unknown, unknown>, {
    ...{ target: "draft-2020-12", typeMode: "input", errorMode: "ignore" },
    definitions: known as typeof components,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  }) as Json;
  return json;
}

/** The OpenAPI document of the operators' API. */
export function openApiDocument(version: string): Json {
  const paths: { [path: string]: { [method: string]: Json } } = {};
  for (const [name, route] of Object.entries(operatorRoutes) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    const operations = paths[path] ?? {};
    operations[route.method.toLowerCase()] = operationOf(name, route);
    paths[path] = operations;
  }
  const description =
    "The operators' API of Birther: over TLS with a token (`birther tokens create`), or on the Unix socket in its state directory. " +
    "Query parameters, keys and methods that are not listed here are refused; a refusal names the place, the expected value and the next step.";
  return {
    openapi: "3.1.0",
    info: { title: "Birther", version, description, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [
      { url: "https://{host}:{port}", variables: { host: { default: "localhost" }, port: { default: "8443" } } },
    ],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: `one of the roles ${roles.join(", ")}` },
      },
      schemas: Object.fromEntries(Object.entries(components).map(([name, schema]) => [name, schemaOf(schema, {})])),
    },
  };
}

function operationOf(name: string, route: Route): Json {
  const { role, says, body, bodyType = "application/json", answerType = "application/json", status = 200 } = route;
  const who = role === "anyone" ? "No authentication required." : `Requires the role ${role}.`;
  return {
    operationId: name,
    summary: says,
    description: who,
    ...(role === "anyone" ? { security: [] } : {}),
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !v.safeParse(body, {}).success,
            content: { [bodyType]: { schema: schemaOf(body) } },
          },
        }),
    responses: {
      [status]: { description: "done", content: { [answerType]: { schema: schemaOf(route.answer) } } },
      default: {
        description: "refused",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

function pathParameters({ path }: Route): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true },
    schema: { type: "string" },
    description: "the hostname, id, address or MAC address of a machine, or the name of a token",
  }));
}

function queryParameters({ query }: Route): Json[] {
  return Object.entries(entriesOf(query) ?? {}).map(([name, entry]) => {
    const wrapped = wrappedIn(entry);
    const { description, ...schema } = schemaOf(wrapped ?? entry);
    const fallback = v.getDefault(entry);
    const standard = fallback === undefined ? {} : { default: fallback };
    return {
      ...{ name, in: "query", required: wrapped === undefined },
      ...(description === undefined ? {} : { description }),
      schema: { ...schema, ...standard },
    };
  });
}

function headerParameters({ headers = [], method }: Route): Json[] {
  const says = "why, for the audit: percent-encoded UTF-8; the answer's birther-request names the request in the audit";
  const all = method === "GET" ? headers : [...headers, { name: reasonHeader, says }];
  return all.map(({ name, says, required = false }) => {
    return { name, in: "header", required, description: says, schema: { type: "string" } };
  });
}
