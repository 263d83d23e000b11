import * as answers from "../fleet-answers.ts";
import * as shapes from "../requests.ts";
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
    query: shapes.noQuery,
    answer: answers.summaryAnswer,
  },
} as const satisfies Routes;
