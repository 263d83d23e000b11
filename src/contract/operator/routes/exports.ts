import * as exportShapes from "../export-shapes.ts";
import { noQuery } from "../requests/values.ts";
import type { Routes } from "./route.ts";

/** Exports for other tools, the backup and the health of the server. */
export const exportsRoutes = {
  exportDominator: {
    method: "GET",
    path: "/v1/exports/dominator",
    role: "viewer",
    says: "the healthy machines as the Dominator's MDB (its mdbFile, or mdbd's json driver)",
    query: noQuery,
    answer: exportShapes.dominatorAnswer,
  },
  exportAnsible: {
    method: "GET",
    path: "/v1/exports/ansible",
    role: "viewer",
    says: "the named machines as Ansible's dynamic inventory",
    query: noQuery,
    answer: exportShapes.ansibleAnswer,
  },
  exportAnsibleHost: {
    method: "GET",
    path: "/v1/exports/ansible/:name",
    role: "viewer",
    says: "the variables of one machine in the inventory",
    query: noQuery,
    answer: exportShapes.ansibleHostAnswer,
  },
  exportNetbox: {
    method: "GET",
    path: "/v1/exports/netbox",
    role: "viewer",
    says: "a table for NetBox's bulk import",
    query: exportShapes.netboxQuery,
    answer: exportShapes.textAnswer,
    answerType: "text/csv",
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    role: "viewer",
    says: "the metrics of fleet and server, for Prometheus",
    query: noQuery,
    answer: exportShapes.textAnswer,
    answerType: "text/plain",
  },
  backup: {
    method: "GET",
    path: "/v1/backup",
    role: "admin",
    says: "a consistent copy of the MDB as an SQLite file; it contains hashes of secrets",
    query: noQuery,
    answer: exportShapes.textAnswer,
    answerType: "application/vnd.sqlite3",
  },
  alive: {
    method: "GET",
    path: "/healthz",
    role: "anyone",
    says: "whether the process answers",
    query: noQuery,
    answer: exportShapes.aliveAnswer,
  },
  ready: {
    method: "GET",
    path: "/readyz",
    role: "anyone",
    says: "whether everything that births need is available; 503 with the missing parts if not",
    query: noQuery,
    answer: exportShapes.readyAnswer,
  },
} as const satisfies Routes;
