import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { defaultDeadlineSeconds } from "../../core/machine/health/deadlines.ts";
import { openLoneExports } from "../exports/lone-exports.ts";
import { modelsOf } from "../models.ts";
import { operatorApp } from "../operator-api/app.ts";
import { backupsIn } from "../operator-api/backup-stream.ts";
import type { Listener } from "../operator-api/caller/authenticate.ts";
import { callersIn } from "../operator-api/caller/callers.ts";
import type { OperatorDeps } from "../operator-api/handler.ts";
import { birthOf, stillClock } from "./fleet.ts";
import { openMemoryStore } from "./memory-store.ts";
import { noCatalogue } from "./no-catalogue.ts";

const socket: Listener = { kind: "socket", user: "root" };
/** A listener that requires a token. */
export const outside: Listener = { kind: "tls", client: "192.0.2.1" };
type Asking = {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
  readonly listener?: Listener;
};

/** Parts that are more than what most tests need, such as images that are more than names. */
type WithParts = (store: OperatorDeps["store"]) => Partial<OperatorDeps>;

/** The app over a store in memory with this many healthy machines; the first of them belong to the group `web`. */
export async function openApp(
  machines: number,
  web = 0,
  imageNames: readonly string[] = ["compute/1"],
  withParts?: WithParts,
) {
  const life = new AsyncDisposableStack();
  const clock = stillClock();
  const lines: string[] = [];
  const log = (...text: unknown[]) => void lines.push(JSON.stringify(text));
  const store = life.use(await openMemoryStore({ clock, log }));
  let seed = 0;
  const random = {
    bytes: (count: number) => {
      seed += 1;
      return new Uint8Array(count).fill(seed);
    },
  };
  const removed: string[] = [];
  const { tokens, sessions } = callersIn({ store, clock, random, log });
  const exports = life.use(openLoneExports(store, clock));
  const blastRadius = { machines: 2, percent: 10, perSeconds: 3600 };
  const app = operatorApp({
    models: modelsOf(store),
    ...{ store, clock, log, version: "test", blastRadius, tokens, sessions, exports },
    ...{ deadlineSeconds: defaultDeadlineSeconds, networks: () => [], packetsOf: () => [] },
    backup: backupsIn(tmpdir(), store),
    catalogue: noCatalogue(removed),
    images: async () => imageNames.map((name) => ({ name, entries: 1, bytes: 1, importedAtMs: 0 })),
    ...withParts?.(store),
  });
  for (let n = 1; n <= machines; n += 1) {
    for (const event of birthOf(n)) await store.apply(event);
    const { id } = store.find(`r01u${n}`) ?? assert.fail();
    if (n <= web) await store.apply({ kind: "detailsSet", id, by: "test", details: { groups: ["web"] } });
  }
  const ask = async (path: string, { method = "GET", body, headers = {}, listener = socket }: Asking = {}) => {
    const text = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const typed = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await app.request(path, { method, ...text, headers: { ...typed, ...headers } }, { listener });
    // Whatever it is: each test reads what it expects.
    const json: ReturnType<typeof JSON.parse> = /json/.test(answer.headers.get("content-type") ?? "")
      ? await answer.json()
      : undefined;
    return { status: answer.status, headers: answer.headers, json };
  };
  const post = (path: string, body: unknown, asking: Asking = {}) => ask(path, { method: "POST", body, ...asking });
  return {
    app,
    store,
    clock,
    log,
    exports,
    tokens,
    sessions,
    lines,
    /** Names of removed images. */
    removed,
    ask,
    post,
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}
