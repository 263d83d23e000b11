import { ansibleHost, ansibleInventory } from "../../core/export/ansible-inventory.ts";
import { expositionType } from "../../core/export/exposition.ts";
import { netboxCsv } from "../../core/export/netbox.ts";
import { streamOf } from "../exports/slices.ts";
import { answerJson } from "../http/json-answer.ts";
import { type Handlers, withMachine } from "./handler.ts";

type Exporting =
  | "exportDominator"
  | "exportAnsible"
  | "exportAnsibleHost"
  | "exportNetbox"
  | "metrics"
  | "alive"
  | "ready";

const json = { "content-type": "application/json" };

/** The routes for other tools. */
export const exportHandlers: Handlers<Exporting> = {
  exportDominator: ({ c, deps }) => c.body(streamOf(deps.exports.dominatorMdb()), 200, json),
  exportAnsible: ({ c, deps }) => c.body(streamOf(ansibleInventory([...deps.store.list()])), 200, json),
  exportAnsibleHost: (asked) => withMachine(asked, (machine) => answerJson(asked.c, ansibleHost(machine))),
  exportNetbox: ({ c, deps, query: { table, ...site } }) =>
    c.body(streamOf(netboxCsv(table, [...deps.store.list()], site)), 200, {
      "content-type": "text/csv; charset=utf-8",
    }),
  metrics: async ({ c, deps }) => c.body(await deps.exports.metrics(), 200, { "content-type": expositionType }),
  alive: ({ c }) => answerJson(c, { alive: true }),
  ready: async ({ c, deps }) => {
    const readiness = await deps.exports.readiness();
    return answerJson(c, readiness, { status: readiness.ready ? 200 : 503 });
  },
};
