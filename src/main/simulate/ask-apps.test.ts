import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { askApps } from "./ask-apps.ts";
import { answerWithWholeResponses } from "./whole-response.ts";

function apps(): readonly Hono[] {
  const app = new Hono();
  app.use("*", async (context, next) => {
    await next();
    context.header("x-served", "yes");
  });
  app.post("/echo", async (context) => {
    const text = await context.req.text();
    const again = (await context.req.json()) as object;
    const bytes = await context.req.arrayBuffer();
    return context.json({ text, again, bytes: bytes.byteLength, bearer: context.req.header("Authorization") });
  });
  app.post("/later", (context) => context.json({ why: "busy" }, 503, { "retry-after": "7" }));
  app.post("/stream", () => new Response(new Blob(["in ", "parts"]).stream()));
  app.post("/throws", () => {
    throw new Error("expected");
  });
  app.onError((_error, context) => context.text("failed", 500));
  return [new Hono().post("/other", (context) => context.text("no")), app];
}

async function answers() {
  const ask = (path: string) => askApps(apps(), { path, body: '{"ü":1}', bearer: "token" });
  return await Promise.all(["/echo", "/later", "/stream", "/throws", "/other"].map(ask));
}

test("apps answer the same with responses that keep their text as with those of the platform", async () => {
  const before = await answers();
  const platform = globalThis.Response;
  answerWithWholeResponses();
  try {
    assert.notEqual(globalThis.Response, platform);
    assert.deepEqual(await answers(), before);
  } finally {
    globalThis.Response = platform;
  }
  const [echo, later, stream, thrown] = before;
  assert.deepEqual(JSON.parse(echo?.body ?? ""), {
    text: '{"ü":1}',
    again: { ü: 1 },
    bytes: 8,
    bearer: "Bearer token",
  });
  assert.deepEqual(later, { status: 503, body: '{"why":"busy"}', retryAfterSeconds: 7 });
  assert.deepEqual([stream?.body, thrown?.status], ["in parts", 500]);
});
