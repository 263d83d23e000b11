import * as operator from "../contract/operator.ts";
import { checkFleet } from "../core/machine/check.ts";
import { changeStream } from "./change-stream.ts";
import { type Asked, type Handlers, withMachine } from "./operator-handler.ts";

type Reading = "list" | "get" | "events" | "log" | "packets" | "quirks" | "images" | "networks" | "check" | "watch";

/** The routes that only look. */
export const readHandlers: Handlers<Reading> = {
  list,
  get: (asked) => withMachine(asked, (machine) => asked.c.json(operator.viewMachine(machine))),
  events: (asked) =>
    withMachine(asked, async (machine) => {
      const changes = await asked.deps.store.history(machine.id, asked.query.limit);
      return asked.c.json({ events: changes.map(operator.viewChange) });
    }),
  log: (asked) => withMachine(asked, ({ id }) => asked.c.json({ lines: asked.deps.store.log(id) })),
  packets: (asked) => withMachine(asked, ({ id }) => asked.c.json({ packets: asked.deps.packetsOf(id) })),
  quirks: ({ c, deps }) => c.json({ quirks: deps.store.lessons().map(operator.viewLesson) }),
  images: async ({ c, deps }) => c.json({ images: await deps.images() }),
  networks: ({ c, deps }) => c.json({ networks: deps.networks() }),
  check: ({ c, deps }) => c.json({ inconsistencies: checkFleet(deps.store.list()) }),
  watch: ({ c, deps }) => c.body(changeStream(deps.store), 200, { "content-type": "application/x-ndjson" }),
};

function list({ c, deps, query: { state, condition } }: Asked<"list">): Response {
  const machines = deps.store
    .list()
    .filter((machine) => state === undefined || machine.state === state)
    .filter((machine) => condition === undefined || machine.conditions.some(({ kind }) => kind === condition))
    .map(operator.viewMachine)
    .sort((a, b) => (a.hostname ?? a.id).localeCompare(b.hostname ?? b.id, "en", { numeric: true }));
  return c.json({ machines });
}
