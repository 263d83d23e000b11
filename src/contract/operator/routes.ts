/**
 * Every route of the operators' API: JSON over HTTP, on the Unix socket `STATE/api.sock` and over TLS. A row here and a
 * handler in src/mdb/operator-api/app.ts make a route; docs/openapi.json is made of the rows.
 * A refusal is `application/problem+json` in the shape of `problem` (machine-facing.ts).
 */
import type * as v from "valibot";
import * as answers from "./answers.ts";
import * as exportShapes from "./export-shapes.ts";
import * as shapes from "./requests.ts";
import type { Role } from "./role.ts";

/** One row of the table. */
export type Route = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `:name` is a hostname, an id or a hardware address: whatever an operator types. */
  readonly path: `/${string}`;
  /** The least that whoever asks must be; `anyone` needs no token. */
  readonly role: Role | "anyone";
  /** What it answers or does, in a few words. */
  readonly says: string;
  readonly query: v.GenericSchema;
  readonly body?: v.GenericSchema;
  /** Content type of the body where it is not application/json. */
  readonly bodyType?: string;
  /** Headers that mean something to it. */
  readonly headers?: readonly { readonly name: string; readonly says: string; readonly required?: true }[];
  /** What a success answers. */
  readonly answer: v.GenericSchema;
  /** Content type of the answer where it is not application/json; `answer` is then one item of it. */
  readonly answerType?: string;
  /** 200 where nothing is said. */
  readonly status?: 201;
};

const { noQuery } = shapes;
const ifMatch = {
  name: "If-Match",
  says: "the ETag of the record as it was read: refused if it has changed; * is any",
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
    says: "that the server runs, since when, and how many machines are in which state",
    query: noQuery,
    answer: answers.statusAnswer,
  },
  list: {
    method: "GET",
    path: "/v1/machines",
    role: "viewer",
    says: "the machines, a page at a time, in the order of their ids",
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
    says: "announce a machine before it asks",
    query: noQuery,
    body: shapes.createBody,
    answer: answers.machineAnswer,
    status: 201,
  },
  set: {
    method: "PATCH",
    path: "/v1/machines/:name",
    role: "operator",
    says: "change what operators say of it; If-Match must bring the entity tag of the record that was seen",
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
    says: "its last events, newest last",
    query: shapes.eventsQuery,
    answer: answers.eventsAnswer,
  },
  log: {
    method: "GET",
    path: "/v1/machines/:name/log",
    role: "viewer",
    says: "the last lines that init or the sub sent",
    query: noQuery,
    answer: answers.logAnswer,
  },
  packets: {
    method: "GET",
    path: "/v1/machines/:name/packets",
    role: "viewer",
    says: "its last DHCP and TFTP packets, newest last",
    query: noQuery,
    answer: answers.packetsAnswer,
  },
  rebirth: {
    method: "POST",
    path: "/v1/machines/:name/rebirth",
    role: "operator",
    says: "install it again at its next boot, with burn-in",
    query: noQuery,
    body: shapes.actionBodies.rebirth,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  clean: {
    method: "POST",
    path: "/v1/machines/:name/clean",
    role: "operator",
    says: "install it again at its next boot, without burn-in",
    query: noQuery,
    body: shapes.actionBodies.clean,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  cancel: {
    method: "POST",
    path: "/v1/machines/:name/cancel",
    role: "operator",
    says: "take a rebirth or clean back that has not begun",
    query: noQuery,
    body: shapes.actionBodies.cancel,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  hold: {
    method: "POST",
    path: "/v1/machines/:name/hold",
    role: "operator",
    says: "install nothing on it until it is released",
    query: noQuery,
    body: shapes.actionBodies.hold,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  release: {
    method: "POST",
    path: "/v1/machines/:name/release",
    role: "operator",
    says: "end the hold; of a retired machine, let it be born again",
    query: noQuery,
    body: shapes.actionBodies.release,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  retire: {
    method: "POST",
    path: "/v1/machines/:name/retire",
    role: "operator",
    says: "give it up: its name, addresses and place become free; nothing on it is wiped",
    query: noQuery,
    body: shapes.actionBodies.retire,
    headers: [ifMatch],
    answer: answers.machineAnswer,
  },
  takeover: {
    method: "POST",
    path: "/v1/machines/:name/takeover",
    role: "operator",
    says: "let this newcomer take the name and place of a machine that is gone, which is retired by it",
    query: noQuery,
    body: shapes.takeoverBody,
    answer: answers.machineAnswer,
  },
  batch: {
    method: "POST",
    path: "/v1/batch",
    role: "operator",
    says: "one action on many machines, by names or by a selection; with dryRun, what it would do",
    query: noQuery,
    body: shapes.batchBody,
    answer: answers.batchAnswer,
  },
  why: {
    method: "GET",
    path: "/v1/machines/:name/why",
    role: "viewer",
    says: "the one event that it waits for, since when, by when; what is known of it, and what to do",
    query: noQuery,
    answer: answers.whyAnswer,
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    role: "admin",
    says: "who may ask over TLS: names, roles, when each was last used",
    query: noQuery,
    answer: answers.tokensAnswer,
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    role: "admin",
    says: "make a token; the answer is the only one that shows it",
    query: noQuery,
    body: shapes.tokenBody,
    answer: answers.createdTokenAnswer,
    status: 201,
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/tokens/:name",
    role: "admin",
    says: "end a token",
    query: noQuery,
    answer: answers.revokedTokenAnswer,
  },
  audit: {
    method: "GET",
    path: "/v1/audit",
    role: "operator",
    says: "who changed what: newest first, what stood there before and after",
    query: shapes.auditQuery,
    answer: answers.auditAnswer,
  },
  networks: {
    method: "GET",
    path: "/v1/networks",
    role: "viewer",
    says: "the networks: their pools, addresses out of use, counts",
    query: noQuery,
    answer: answers.networksAnswer,
  },
  quirks: {
    method: "GET",
    path: "/v1/quirks",
    role: "viewer",
    says: "what was learned of models' firmware",
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
  check: {
    method: "GET",
    path: "/v1/check",
    role: "viewer",
    says: "what is inconsistent in the fleet",
    query: noQuery,
    answer: answers.checkAnswer,
  },
  changes: {
    method: "GET",
    path: "/v1/changes",
    role: "viewer",
    says:
      "every change as it happens, as server-sent events: `change` with its position as id; first `position`, from where on; " +
      "`reset` where what was asked for is not known any more: list anew, and go on from there",
    query: shapes.changesQuery,
    headers: [{ name: "Last-Event-ID", says: "only changes after this position; a browser's EventSource sends it" }],
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
    says: "one machine's variables in it",
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
    says: "the figures of fleet and server, for Prometheus",
    query: noQuery,
    answer: exportShapes.textAnswer,
    answerType: "text/plain",
  },
  backup: {
    method: "GET",
    path: "/v1/backup",
    role: "admin",
    says: "the whole MDB as it is now, a SQLite file; it holds hashes of secrets",
    query: noQuery,
    answer: exportShapes.textAnswer,
    answerType: "application/vnd.sqlite3",
  },
  alive: {
    method: "GET",
    path: "/healthz",
    role: "anyone",
    says: "that the process answers",
    query: noQuery,
    answer: exportShapes.aliveAnswer,
  },
  ready: {
    method: "GET",
    path: "/readyz",
    role: "anyone",
    says: "whether all is there that births need; 503 and what is missing if not",
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
