import { pcapOf } from "../../contract/operator/packet-capture.ts";
import * as operator from "../../contract/operator/views.ts";
import { isSelected } from "../../core/fleet/select-machines.ts";
import { checkFleetInSteps, documentFaults } from "../../core/machine/check.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { PastChange } from "../../core/ports.ts";
import { lessonsOf } from "../../core/pxe/local-boot/lesson.ts";
import { streamOf } from "../exports/slices.ts";
import { asFile } from "../http/as-file.ts";
import { answerJson, jsonText } from "../http/json-answer.ts";
import { jsonList } from "../http/json-list.ts";
import { acceptsGzip } from "../http/packed-answer.ts";
import { faultAnswer } from "../http/problem.ts";
import { inTurns, openTurns } from "../turns.ts";
import { entityTag } from "./entity-tag.ts";
import { type ChangeFeed, changeFeed, watchersInTotal, watchersPerCaller } from "./feed/change-feed.ts";
import { type IdOrder, idOrder } from "./feed/id-order.ts";
import { type Handlers, type OperatorDeps, type RouteRequest, withMachine } from "./handler.ts";
import type { Imports } from "./imports.ts";
import { logHandler } from "./log.ts";

type Reading =
  | ("list" | "get" | "events" | "log" | "packets" | "packetCapture")
  | ("quirks" | "images" | "noteImport" | "networks" | "check" | "changes");

/** The read-only routes. */
export function readHandlers({ store, ending }: OperatorDeps, imports: Imports): Handlers<Reading> {
  const inOrder = idOrder(store, ending);
  const feed = changeFeed(store, ending);
  return {
    list: (request) => list({ ...request, inOrder }),
    get: (request) => withMachine(request, (machine) => machineAnswer(request, machine)),
    events: (request) =>
      withMachine(request, async (machine) => {
        const changes = await request.deps.store.history(machine.id, request.query.limit);
        return jsonList<{ readonly events: readonly operator.ChangeView[] }, "events">(request.c, {
          ...{ name: "events", items: viewsOf(changes), rest: {} },
        });
      }),
    log: logHandler,
    packets: (request) =>
      withMachine(request, ({ id }) => answerJson(request.c, { packets: request.deps.packetsOf(id) })),
    packetCapture: (request) => withMachine(request, (machine) => captureAnswer(request, machine)),
    quirks: ({ c, deps }) => answerJson(c, { quirks: lessonsOf(deps.store).map(operator.viewLesson) }),
    images: async ({ c, deps }) => {
      // An import asks for the list when it has ended: then it is in the audit before what follows it.
      await deps.takeActs?.();
      return answerJson(c, { images: await deps.images(), imports: imports.current() });
    },
    noteImport: ({ c, body: { ended, ...noted } }) => {
      if (ended === true) imports.end(noted.stream);
      else imports.note(noted);
      return answerJson(c, { noted: true });
    },
    networks: ({ c, deps }) => answerJson(c, { networks: deps.networks() }),
    check: async ({ c, deps: { store } }) => {
      const found = await inTurns(checkFleetInSteps([...store.list()], store.unreadable()));
      return answerJson(c, { inconsistencies: [...documentFaults(store.unreadableDocuments()), ...found] });
    },
    changes: (request) => follow({ ...request, feed }),
  };
}

type Followed = Pick<RouteRequest<"changes">, "c" | "query" | "caller">;

function* viewsOf(changes: readonly PastChange[]): Generator<operator.ChangeView> {
  for (const change of changes) yield operator.viewChange(change);
}

/** The feed from the position that this watcher requests; it ends when its token or session becomes invalid. */
export function follow(
  request: Followed & {
    readonly feed: ChangeFeed;
    /** Compresses what watchers accept so: worthwhile for chunks that all watchers share. */
    readonly packs?: boolean;
  },
): Response {
  const { c, query, feed, caller, packs = false } = request;
  const last = c.req.header("last-event-id");
  if (last !== undefined && !/^\d{1,15}$/.test(last)) {
    const detail = `last-event-id: expected the id of an event of this feed, found ${last.slice(0, 100)}`;
    return faultAnswer(c, "wrongQuery", detail, "send the id of the last received event, or none");
  }
  const since = last === undefined ? query.since : Number(last);
  const isLocal = c.env.listener?.kind === "socket";
  const mayGoOn = c.get("isStillKnown");
  const isPacked = packs && acceptsGzip(c.req.header("accept-encoding"));
  const headers = {
    ...{ "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    ...(packs ? { vary: "accept-encoding" } : {}),
    ...(isPacked ? { "content-encoding": "gzip" } : {}),
  };
  const stream = feed.open({ since, caller: isLocal ? undefined : caller.name, mayGoOn, isPacked });
  if (stream === undefined) {
    const detail = `expected at most ${watchersPerCaller} simultaneous watchers of ${caller.name}, and ${watchersInTotal} of all callers, found one more`;
    return faultAnswer(c, "tooManyWatchers", detail, "close a watcher, or use another token for further ones");
  }
  return c.body(stream, 200, headers);
}

/** A machine with its revision as the entity tag, which a change of it has to present (RFC 9110 §8.8.3). */
function machineAnswer({ c, deps }: RouteRequest<"get">, machine: Machine): Response {
  return answerJson(c, operator.viewMachine(machine, deps.store.progress(machine)), {
    headers: { etag: entityTag(machine) },
  });
}

function captureAnswer({ c, deps }: RouteRequest<"packetCapture">, machine: Machine): Response {
  const capture = Uint8Array.from(pcapOf(deps.packetsOf(machine.id), machine));
  return c.body(capture, 200, {
    ...{ "content-type": "application/vnd.tcpdump.pcap", "content-length": String(capture.length) },
    ...asFile(`${nameOf(machine)}.pcap`),
  });
}

/** A page of the selected machines, and the start of the next page; a large page is written machine by machine. */
async function list({
  c,
  deps,
  query,
  inOrder,
}: RouteRequest<"list"> & { readonly inOrder: IdOrder }): Promise<Response> {
  const { limit, fields } = query;
  const position = deps.store.position();
  const after = query.continue === undefined ? "" : Buffer.from(query.continue, "base64url").toString();
  const page: string[] = [];
  let last = "";
  let more: { readonly continue?: string } = {};
  const turns = openTurns();
  for (const machine of await inOrder(after)) {
    if (turns.isOver()) await turns.next();
    if (!isSelected(machine, query, deps.othersUpdate)) continue;
    if (page.length === limit) {
      more = { continue: Buffer.from(last).toString("base64url") };
      break;
    }
    page.push(jsonText(slim(operator.viewMachine(machine, deps.store.progress(machine)), fields)));
    last = machine.id;
  }
  const rest = JSON.stringify({ position, ...more });
  return c.body(streamOf(pageText(page, rest)), 200, { "content-type": "application/json" });
}

/** The members of `rest` after the machines. */
function* pageText(machines: readonly string[], rest: string): Generator<string, void, undefined> {
  let before = '{"machines":[';
  for (const machine of machines) {
    yield before + machine;
    before = ",";
  }
  yield `${machines.length === 0 ? before : ""}],${rest.slice(1)}`;
}

function slim(view: operator.MachineView, fields: readonly string[] | undefined): Partial<operator.MachineView> {
  if (fields === undefined) return view;
  return Object.fromEntries(Object.entries(view).filter(([key]) => key === "id" || fields.includes(key)));
}
