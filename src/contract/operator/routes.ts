/**
 * Every route of the operators' API: JSON over HTTP, on the Unix socket `STATE/api.sock` and over TLS. A row here and a
 * handler in src/mdb/operator-api make a route; docs/openapi.json is generated from the rows.
 * A refusal is `application/problem+json` with the shape of `problem` (machine-facing.ts).
 */
import type * as v from "valibot";
import * as answers from "./answers.ts";
import * as exportShapes from "./export-shapes.ts";
import * as shapes from "./requests.ts";
import type { Role } from "./role.ts";

/** One row of the table. */
export type Route = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `:name` is a hostname, id, address or MAC address. */
  readonly path: `/${string}`;
  /** The minimum role of the caller; `anyone` needs no token. */
  readonly role: Role | "anyone";
  /** A short description of the route. */
  readonly says: string;
  readonly query: v.GenericSchema;
  readonly body?: v.GenericSchema;
  /** Content type of the body; application/json by default. */
  readonly bodyType?: string;
  /** The headers that the route reads. */
  readonly headers?: readonly { readonly name: string; readonly says: string; readonly required?: true }[];
  /** The body of a successful answer. */
  readonly answer: v.GenericSchema;
  /** Content type of the answer if it is not application/json; `answer` is then one item of it. */
  readonly answerType?: string;
  /** 200 by default. */
  readonly status?: 201;
};

const { noQuery } = shapes;
const ifMatch = {
  name: "If-Match",
  says: "the ETag of the record as read; refused if the record has changed; * matches any",
};

export const operatorRoutes = {
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    role: "anyone",
    says: "this description of the API",
    query: noQuery,
    answer: answers.openApiAnswer,
  },
  status: {
    method: "GET",
    path: "/v1/status",
    role: "viewer",
    says: "version and start of the server, and the number of machines in each state",
    query: noQuery,
    answer: answers.statusAnswer,
  },
  list: {
    method: "GET",
    path: "/v1/machines",
    role: "viewer",
    says: "the machines in pages, ordered by id",
    query: shapes.listQuery,
    answer: answers.listAnswer,
  },
  get: {
    method: "GET",
    path: "/v1/machines/:name",
    role: "viewer",
    says: "one machine",
    query: noQuery,
    answer: answers.machineAnswer,
  },
  create: {
    method: "POST",
    path: "/v1/machines",
    role: "operator",
    says: "announce a machine before its first PXE request",
    query: noQuery,
    body: shapes.createBody,
    answer: answers.machineAnswer,
    status: 201,
  },
  set: {
    method: "PATCH",
    path: "/v1/machines/:name",
    role: "operator",
    says: "change the details of a machine; If-Match must carry the entity tag of the record as read",
    query: noQuery,
    body: shapes.patchBody,
    bodyType: "application/merge-patch+json",
    headers: [{ ...ifMatch, required: true }],
    answer: answers.machineAnswer,
  },
  events: {
    method: "GET",
    path: "/v1/machines/:name/events",
    role: "viewer",
    says: "the latest events of a machine, newest last",
    query: shapes.eventsQuery,
    answer: answers.eventsAnswer,
  },
  log: {
    method: "GET",
    path: "/v1/machines/:name/log",
    role: "viewer",
    says: "the latest log lines of init or the agent",
    query: noQuery,
    answer: answers.logAnswer,
  },
  packets: {
    method: "GET",
    path: "/v1/machines/:name/packets",
    role: "viewer",
    says: "the latest DHCP and TFTP packets of a machine, newest last",
    query: noQuery,
    answer: answers.packetsAnswer,
  },
  rebirth: {
    method: "POST",
    path: "/v1/machines/:name/rebirth",
    role: "operator",
    says: "reinstall the machine at its next boot, with burn-in",
    query: noQuery,
    body: shapes.actionBodies.rebirth,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  clean: {
    method: "POST",
    path: "/v1/machines/:name/clean",
    role: "operator",
    says: "reinstall the machine at its next boot, without burn-in",
    query: noQuery,
    body: shapes.actionBodies.clean,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  cancel: {
    method: "POST",
    path: "/v1/machines/:name/cancel",
    role: "operator",
    says: "cancel a pending rebirth or clean",
    query: noQuery,
    body: shapes.actionBodies.cancel,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  hold: {
    method: "POST",
    path: "/v1/machines/:name/hold",
    role: "operator",
    says: "prevent any installation until the machine is released",
    query: noQuery,
    body: shapes.actionBodies.hold,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  release: {
    method: "POST",
    path: "/v1/machines/:name/release",
    role: "operator",
    says: "end a hold; allow the birth of a retired machine",
    query: noQuery,
    body: shapes.actionBodies.release,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  retire: {
    method: "POST",
    path: "/v1/machines/:name/retire",
    role: "operator",
    says: "remove the machine from the fleet: its name, addresses and slot become free; its disks are not touched",
    query: noQuery,
    body: shapes.actionBodies.retire,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  takeover: {
    method: "POST",
    path: "/v1/machines/:name/takeover",
    role: "operator",
    says: "let this newcomer take over the name and slot of a machine that is gone, which is retired",
    query: noQuery,
    body: shapes.takeoverBody,
    answer: answers.machineAnswer,
  },
  batch: {
    method: "POST",
    path: "/v1/batch",
    role: "operator",
    says: "one action on many machines, by names or a selection; with dryRun, the outcome without any change",
    query: noQuery,
    body: shapes.batchBody,
    answer: answers.batchAnswer,
  },
  why: {
    method: "GET",
    path: "/v1/machines/:name/why",
    role: "viewer",
    says: "the one event that the machine waits for, since when, by when, the evidence, and what to do",
    query: noQuery,
    answer: answers.whyAnswer,
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    role: "admin",
    says: "the tokens: names, roles, last use",
    query: noQuery,
    answer: answers.tokensAnswer,
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    role: "admin",
    says: "create a token; only this answer contains it",
    query: noQuery,
    body: shapes.tokenBody,
    answer: answers.createdTokenAnswer,
    status: 201,
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/tokens/:name",
    role: "admin",
    says: "revoke a token",
    query: noQuery,
    answer: answers.revokedTokenAnswer,
  },
  audit: {
    method: "GET",
    path: "/v1/audit",
    role: "operator",
    says: "who changed what, newest first, with the values before and after",
    query: shapes.auditQuery,
    answer: answers.auditAnswer,
  },
  networks: {
    method: "GET",
    path: "/v1/networks",
    role: "viewer",
    says: "the networks: pools, declined addresses, counters",
    query: noQuery,
    answer: answers.networksAnswer,
  },
  quirks: {
    method: "GET",
    path: "/v1/quirks",
    role: "viewer",
    says: "what was learned about the firmware of models",
    query: noQuery,
    answer: answers.quirksAnswer,
  },
  images: {
    method: "GET",
    path: "/v1/images",
    role: "viewer",
    says: "the system images that can be required",
    query: noQuery,
    answer: answers.imagesAnswer,
  },
  streams: {
    method: "GET",
    path: "/v1/streams",
    role: "viewer",
    says: "the streams of images: current versions, and promotions under way",
    query: noQuery,
    answer: answers.streamsAnswer,
  },
  promote: {
    method: "POST",
    path: "/v1/streams/:name/promote",
    role: "operator",
    says: "give a version of a stream to one machine first; with `all`, once that machine is up, make it current for all",
    query: noQuery,
    body: shapes.promoteBody,
    answer: answers.streamAnswer,
  },
  rollback: {
    method: "POST",
    path: "/v1/streams/:name/rollback",
    role: "operator",
    says: "return the first machine of a promotion; without one, make the version before the current one current again",
    query: noQuery,
    body: shapes.emptyBody,
    answer: answers.streamAnswer,
  },
  check: {
    method: "GET",
    path: "/v1/check",
    role: "viewer",
    says: "inconsistencies in the fleet",
    query: noQuery,
    answer: answers.checkAnswer,
  },
  changes: {
    method: "GET",
    path: "/v1/changes",
    role: "viewer",
    says:
      "every change as it happens, as server-sent events: first `position`, the start of the feed, then `change` with its position as id; " +
      "`reset` if the requested position is no longer available: list the machines again and continue from there",
    query: shapes.changesQuery,
    headers: [
      { name: "Last-Event-ID", says: "send only changes after this position; a browser's EventSource sets it" },
    ],
    answer: answers.changeAnswer,
    answerType: "text/event-stream",
  },
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
} as const satisfies { readonly [route: string]: Route };

type Routes = typeof operatorRoutes;
export type OperatorRoute = keyof Routes;

/** The query of a route as its handler gets it. */
export type QueryOf<R extends OperatorRoute> = v.InferOutput<Routes[R]["query"]>;
/** The body of a route as its handler gets it; undefined for routes that take none. */
export type BodyOf<R extends OperatorRoute> = Routes[R] extends { readonly body: infer B extends v.GenericSchema }
  ? v.InferOutput<B>
  : undefined;
