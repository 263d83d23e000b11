import { type Context, Hono } from "hono";
import type * as v from "valibot";
import * as operator from "../contract/operator.ts";
import { checkFleet } from "../core/machine/check.ts";
import type { MachineEvent } from "../core/machine/event.ts";
import { nameOf } from "../core/machine/life-record.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { Clock, Log, Store } from "../core/ports.ts";
import { changeStream } from "./change-stream.ts";
import { atMost, lastAnswers, readBody, readShape, refusalAnswer } from "./problem.ts";

export type OperatorDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** The system images that there are; the Dominator's. */
  readonly images: () => Promise<readonly operator.ImageView[]>;
  /** What the Boot Server has seen: its networks, and the last packets of a machine. */
  readonly networks: () => readonly operator.NetworkView[];
  readonly packetsOf: (id: MachineId) => readonly operator.PacketView[];
};

/** The query of a route, read: each route has those keys that its schema lets in. */
type Query = operator.ListQuery & { readonly limit?: number };
type Handler = (c: Context, deps: OperatorDeps, query: Query) => Promise<Response> | Response;

/** What operators' tools say to the MDB (contract/operator.ts). Served on a Unix socket by main. */
export function operatorApp(deps: OperatorDeps): Hono {
  const app = new Hono();
  const startedAtMs = deps.clock.nowMs();
  const { onError, notFound } = lastAnswers(deps.log);
  app.onError(onError);
  app.notFound(notFound);
  app.use(atMost(16 * 1024));
  const handlers: { readonly [R in operator.OperatorRoute]: Handler } = {
    status: (c) => status(c, deps, startedAtMs),
    list,
    get: (c) => withMachine(c, deps, (machine) => c.json(operator.viewMachine(machine))),
    events,
    log: (c) => withMachine(c, deps, (machine) => c.json({ lines: deps.store.log(machine.id) })),
    packets: (c) => withMachine(c, deps, (machine) => c.json({ packets: deps.packetsOf(machine.id) })),
    rebirth: (c) => act(c, deps, operator.actionBody, ({ id }, { by }) => ({ kind: "rebirthAsked", id, by })),
    clean: (c) => act(c, deps, operator.actionBody, ({ id }, { by }) => ({ kind: "cleanAsked", id, by })),
    cancel: (c) => act(c, deps, operator.actionBody, ({ id }, { by }) => ({ kind: "rebirthCancelled", id, by })),
    hold: (c) =>
      act(c, deps, operator.holdBody, ({ id }, { by, reason }) => {
        return { kind: "conditionSet", id, condition: "hold", reason: `${reason} (${by})` };
      }),
    release: (c) =>
      act(c, deps, operator.actionBody, ({ id }) => ({ kind: "conditionCleared", id, condition: "hold" })),
    quirks: (c) => c.json({ quirks: deps.store.lessons().map(operator.viewLesson) }),
    images: async (c) => c.json({ images: await deps.images() }),
    networks: (c) => c.json({ networks: deps.networks() }),
    check: (c) => c.json({ inconsistencies: checkFleet(deps.store.list()) }),
    watch: (c) => c.body(changeStream(deps.store), 200, { "content-type": "application/x-ndjson" }),
  };
  const queries: { readonly [R in operator.OperatorRoute]?: typeof operator.listQuery | typeof operator.eventsQuery } =
    {
      list: operator.listQuery,
      events: operator.eventsQuery,
    };
  for (const route of Object.keys(operator.operatorRoutes) as operator.OperatorRoute[]) {
    const { method, path } = operator.operatorRoutes[route];
    app.on(method, path, (c) => {
      const query = readShape(c, queries[route] ?? operator.noQuery, c.req.query());
      return query.kind === "refused" ? query.response : handlers[route](c, deps, query.value);
    });
  }
  return app;
}

function status(c: Context, { store, clock, version }: OperatorDeps, startedAtMs: number): Response {
  const machines: { [state: string]: number } = {};
  for (const { state } of store.list()) machines[state] = (machines[state] ?? 0) + 1;
  return c.json({ version, startedAtMs, nowMs: clock.nowMs(), machines } satisfies operator.StatusView);
}

function list(c: Context, { store }: OperatorDeps, { state, condition }: Query): Response {
  const machines = store
    .list()
    .filter((machine) => state === undefined || machine.state === state)
    .filter((machine) => condition === undefined || machine.conditions.some(({ kind }) => kind === condition))
    .map(operator.viewMachine)
    .sort((a, b) => (a.hostname ?? a.id).localeCompare(b.hostname ?? b.id, "en", { numeric: true }));
  return c.json({ machines });
}

async function events(c: Context, deps: OperatorDeps, { limit = 50 }: Query): Promise<Response> {
  return withMachine(c, deps, async (machine) => {
    const changes = await deps.store.history(machine.id, limit);
    return c.json({ events: changes.map(operator.viewChange) });
  });
}

function withMachine(
  c: Context,
  { store }: OperatorDeps,
  then: (machine: Machine) => Response | Promise<Response>,
): Response | Promise<Response> {
  const name = c.req.param("name") ?? "";
  const machine = store.find(name);
  if (machine !== undefined) return then(machine);
  const near = store
    .list()
    .filter((other) => nameOf(other).startsWith(name.slice(0, 3)))
    .slice(0, 5);
  const known = near.length === 0 ? "" : `; there are ${near.map(nameOf).join(", ")}`;
  return refusalAnswer(c, {
    kind: "noSuchMachine",
    message: `no machine has the name, id, address or hardware address ${name.slice(0, 100)}${known}`,
    next: "birther machines lists them all",
  });
}

function act<S extends typeof operator.actionBody | typeof operator.holdBody>(
  c: Context,
  deps: OperatorDeps,
  schema: S,
  eventOf: (machine: Machine, body: v.InferOutput<S>) => MachineEvent,
): Response | Promise<Response> {
  return withMachine(c, deps, async (machine) => {
    const body = await readBody(c, schema);
    if (body.kind === "refused") return body.response;
    const decision = await deps.store.apply(eventOf(machine, body.value));
    if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
    return c.json(operator.viewMachine(decision.machine));
  });
}
