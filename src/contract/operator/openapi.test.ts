import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "./openapi.ts";
import { operatorRoutes } from "./routes.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
const document = JSON.parse(JSON.stringify(openApiDocument(version)));

test("docs/openapi.json matches the routes (else run ./birther config openapi > docs/openapi.json)", () => {
  const written = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"));
  assert.deepEqual(written, document);
});

test("it is OpenAPI 3.1, and says every route", async () => {
  const result = await new Validator().validate(document);
  assert.ok(result.valid, JSON.stringify(result.errors));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
  );
  const routes = Object.values(operatorRoutes).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(operations.sort(), routes.sort());
});

test("each reference has its schema, and each body and answer says something", () => {
  const text = JSON.stringify(document);
  const named = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
  assert.deepEqual(
    [...named].filter((name) => document.components.schemas[name ?? ""] === undefined),
    [],
  );
  assert.ok(named.has("Machine") && named.has("Problem") && named.has("Change"));
  assert.ok(!text.includes("$defs"));
  for (const [path, methods] of Object.entries<{ [method: string]: { responses: object } }>(document.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const [success] = Object.values<{ content: { [type: string]: { schema: object } } }>(responses as never);
      for (const { schema } of Object.values(success?.content ?? {}))
        assert.ok(Object.keys(schema).length > 0, `${method} ${path}`);
    }
  }
});
