import * as answers from "../answers/fleet.ts";
import { changesQuery, fleetEventsQuery } from "../requests/history.ts";
import { selectionQuery } from "../requests/selection.ts";
import { noQuery } from "../requests/values.ts";
import type { Routes } from "./route.ts";

/** The fleet as a whole. */
export const fleetRoutes = {
  summary: {
    method: "GET",
    path: "/v1/summary",
    role: "viewer",
    says:
      "the fleet at a glance: machines by how they stand, by phase and by rack, failures by cause, births per minute, " +
      "the time of arrival, pools, and faults of the server",
    query: noQuery,
    answer: answers.summaryAnswer,
  },
  fleet: {
    method: "GET",
    path: "/v1/fleet",
    role: "viewer",
    says: "the whole fleet as columns, a machine at the same index in each; compressed if the caller accepts gzip",
    query: noQuery,
    headers: [{ name: "If-None-Match", says: "the ETag of an earlier answer; 304 if nothing has changed since" }],
    answer: answers.fleetAnswer,
  },
  fleetChanges: {
    method: "GET",
    path: "/v1/fleet/changes",
    role: "viewer",
    says:
      "what changes in /v1/fleet, as server-sent events: `position` first, then `rows`, at most ten times a second (less " +
      "often for many watchers) and each machine at most once in each; `reset` if the requested position is too old: read /v1/fleet again. Open it before " +
      "reading /v1/fleet, and apply the rows whose position is at least that of the fleet",
    query: changesQuery,
    headers: [{ name: "Last-Event-ID", says: "send only what changed after this position" }],
    answer: answers.fleetRowsAnswer,
    answerType: "text/event-stream",
  },
  fleetEvents: {
    method: "GET",
    path: "/v1/events",
    role: "viewer",
    says: "the changes of all or of the selected machines, oldest first, in pages",
    query: fleetEventsQuery,
    answer: answers.fleetEventsAnswer,
  },
  plan: {
    method: "GET",
    path: "/v1/plan",
    role: "viewer",
    says: "the slots that the configuration expects (`site`), with the name and address that the rules give them",
    query: noQuery,
    answer: answers.planAnswer,
  },
  burnIn: {
    method: "GET",
    path: "/v1/burn-in",
    role: "viewer",
    says: "the figures of the latest burn-ins by model: medians, deviations, and the machines far from their siblings",
    query: selectionQuery,
    answer: answers.burnInAnswer,
  },
} as const satisfies Routes;
