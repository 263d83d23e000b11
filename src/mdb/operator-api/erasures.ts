import * as v from "valibot";
import { type ErasureAnswer, type ErasuresAnswer, erasureStatement } from "../../contract/operator/answers/erasure.ts";
import type { StoredErasure } from "../../core/erasure/stored-erasure.ts";
import type { DocumentOf } from "../../core/store/stored-documents.ts";
import { answerJson } from "../http/json-answer.ts";
import { jsonList } from "../http/json-list.ts";
import { faultAnswer } from "../http/problem.ts";
import type { Handlers, RouteRequest } from "./handler.ts";

/** The routes that show what was erased. */
export const erasureHandlers: Handlers<"erasures" | "erasure"> = {
  erasures,
  erasure: ({ c, deps }) => {
    const id = c.req.param("name") ?? "";
    const found = deps.store.documents("erasure").find(({ key }) => key === id);
    if (found !== undefined) return answerJson(c, viewOf(found));
    const detail = `no erasure has the id ${id.slice(0, 100)}`;
    return faultAnswer(c, "noSuchErasure", detail, "to list the ids, run birther erasures");
  },
};

function erasures({ c, deps, query }: RouteRequest<"erasures">): Response {
  const { serial, machine, sinceMs = 0, before = Number.POSITIVE_INFINITY, limit } = query;
  const machineId = machine === undefined ? undefined : (deps.store.find(machine)?.id ?? machine.toLowerCase());
  const isWanted = ({ document, position }: DocumentOf<"erasure">) =>
    position < before &&
    document.atMs >= sinceMs &&
    (machineId === undefined || document.machine === machineId) &&
    (serial === undefined || isNamed(document, serial));
  // They are in the order of their first report; one that was reported again has moved.
  const found = deps.store
    .documents("erasure")
    .filter(isWanted)
    .sort((one, other) => other.position - one.position);
  const page = found.slice(0, limit);
  const oldest = page.at(-1);
  return jsonList<ErasuresAnswer, "erasures">(c, {
    name: "erasures",
    items: views(page),
    rest: found.length > limit && oldest !== undefined ? { before: oldest.position } : {},
  });
}

function isNamed({ serial, wwn }: StoredErasure, name: string): boolean {
  return [serial, wwn].some((text) => text.toLowerCase() === name.toLowerCase());
}

/** Each is read when its turn comes. */
function* views(page: readonly DocumentOf<"erasure">[]): Generator<ErasureAnswer> {
  for (const one of page) yield viewOf(one);
}

function viewOf({ key, document }: DocumentOf<"erasure">): ErasureAnswer {
  const { atMs, machine, statement, signature } = document;
  const facts = factsIn(statement);
  return {
    ...{ id: key, atMs, machine },
    ...(facts === undefined ? {} : { facts }),
    statement,
    ...(signature === undefined ? {} : { signature }),
  };
}

function factsIn(statement: string): ErasureAnswer["facts"] {
  try {
    const read = v.safeParse(erasureStatement, JSON.parse(statement));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}
