import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import type { Problem } from "../../contract/machine-facing.ts";
import type { Refusal } from "../../core/machine/event.ts";
import type { Log } from "../../core/ports.ts";

/** What went wrong before any machine was asked: HTTP status, and in words what was expected. */
const requestFaults = {
  malformed: { status: 400, title: "the body is not JSON" },
  misshapen: { status: 422, title: "the request is not what this route expects" },
  wrongQuery: { status: 400, title: "the query is not what this route expects" },
  notKnown: { status: 401, title: "who asks is not known" },
  notAllowed: { status: 403, title: "who asks may not do this" },
  badSession: { status: 401, title: "the credential is not one of a running birth" },
  wrongPlace: { status: 409, title: "the place does not follow from the placement rules" },
  wrongImage: { status: 409, title: "the image is not one that the image rules name" },
  tooLarge: { status: 413, title: "the body is too large" },
  noSuchToken: { status: 404, title: "there is no such token" },
  tokenTaken: { status: 409, title: "the name is taken" },
  nothingSelected: { status: 404, title: "no machine is selected" },
  noSuchImage: { status: 422, title: "there is no such image" },
  stale: { status: 412, title: "changed meanwhile" },
  unconditional: { status: 428, title: "a change must say what it saw" },
  noSuchRoute: { status: 404, title: "there is no such route" },
  wrongMethod: { status: 405, title: "this route is not asked in this way" },
  notAcceptable: { status: 406, title: "the answer has another type than those asked for" },
  wrongType: { status: 415, title: "the body has another type than this route expects" },
  tooManyFailures: { status: 429, title: "too many wrong credentials" },
  failed: { status: 500, title: "the server failed" },
} as const;
export type RequestFault = keyof typeof requestFaults;

const refusals: {
  readonly [K in Refusal["kind"]]: { readonly status: 401 | 403 | 404 | 409 | 412 | 422 | 423; readonly title: string };
} = {
  noSuchMachine: { status: 404, title: "no such machine" },
  notInNursery: { status: 403, title: "not on a nursery" },
  unreadableRecord: { status: 409, title: "the record of the machine cannot be read" },
  staleOrder: { status: 409, title: "the order is stale" },
  wrongState: { status: 409, title: "not in this state" },
  unknownToken: { status: 401, title: "unknown token" },
  expiredToken: { status: 401, title: "expired token" },
  usedToken: { status: 401, title: "used token" },
  foreignToken: { status: 403, title: "another machine's token" },
  nameTaken: { status: 409, title: "the name is taken" },
  addressTaken: { status: 409, title: "the address is taken" },
  macTaken: { status: 409, title: "the hardware address is taken" },
  alreadyKnown: { status: 409, title: "the machine is known already" },
  nameByPlace: { status: 409, title: "the name follows from the place" },
  otherPlace: { status: 409, title: "the machine hangs elsewhere" },
  tooMany: { status: 422, title: "more than a record holds" },
  held: { status: 423, title: "on hold" },
  beyondBlastRadius: { status: 409, title: "too many machines at once" },
  changedMeanwhile: { status: 412, title: "changed meanwhile" },
};

/** A refusal of the machine's life as an answer (RFC 9457). */
export function refusalAnswer(c: Context, refusal: Refusal): Response {
  return answer(c, refusals[refusal.kind].status, problemOf(refusal));
}

/** A refusal of the machine's life in the words of RFC 9457. */
export function problemOf({ kind, message, next }: Refusal): Problem {
  return { kind, title: refusals[kind].title, detail: message, next };
}

/** A request that could not even be asked for. */
export function faultAnswer(c: Context, kind: RequestFault, detail: string, next: string): Response {
  const { status, title } = requestFaults[kind];
  return answer(c, status, { kind, title, detail, next });
}

type Status = (typeof requestFaults)[RequestFault]["status"] | (typeof refusals)[keyof typeof refusals]["status"];

function answer(c: Context, status: Status, problem: Problem): Response {
  return c.json(problem, status, { "content-type": "application/problem+json" });
}

/** A request that was read: the typed value, or the answer that refuses it and names each path. */
export type Read<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "refused"; readonly response: Response };

/** Reads the body as JSON of this shape. */
export async function readBody<T extends v.GenericSchema>(c: Context, schema: T): Promise<Read<v.InferOutput<T>>> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return { kind: "refused", response: faultAnswer(c, "malformed", detail, "send one JSON document") };
  }
  return readShape(c, schema, body);
}

/** Reads a value of this shape; every path that does not fit is named. */
export function readShape<T extends v.GenericSchema>(c: Context, schema: T, value: unknown): Read<v.InferOutput<T>> {
  const parsed = v.safeParse(schema, value, inOurWords);
  if (parsed.success) return { kind: "read", value: parsed.output };
  const response = faultAnswer(
    c,
    "misshapen",
    faultsOf(parsed.issues),
    "see src/contract for the shape of this request",
  );
  return { kind: "refused", response };
}

/** The faults of a value that was read with `inOurWords`, each with its path and the expected value; at most ten. */
export function faultsOf(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .slice(0, 10)
    .map((issue) => `${v.getDotPath(issue)?.slice(0, 100) ?? "the whole"}: ${issue.message}`)
    .join("; ");
}

/** For reading a request: the library's own words, which a schema's words go before, repeat the value; it may be long or a secret. */
export const inOurWords = {
  message: ({ expected, received, requirement }: v.BaseIssue<unknown>): string => {
    if (expected === "never") return "unknown key";
    return received === "undefined" ? `missing: expected ${expected}` : `expected ${expected ?? requirement}`;
  },
} as const;

/** How much of a body that is too large is still read, so that its sender gets to reading why. */
const drainedBytes = 16 * 1024 * 1024;

/** Refuses bodies of more than so many bytes. */
export function atMost(maxSize: number): MiddlewareHandler {
  const onError = async (c: Context) => {
    const { body } = c.req.raw;
    let read = 0;
    // A body that was read in part already (no Content-Length) is let go: the connection ends with the answer.
    if (body !== null && !body.locked) {
      for await (const chunk of body) {
        read += chunk.length;
        if (read > drainedBytes) break;
      }
    }
    return faultAnswer(c, "tooLarge", `more than ${maxSize} bytes`, "send less at a time");
  };
  return bodyLimit({ maxSize, onError });
}

/** What every app of ours answers when a handler threw or no route fits; `routes` says where those are told that do. */
export function lastAnswers(log: Log, routes = "see src/contract for the routes") {
  return {
    onError: (cause: Error, c: Context) => {
      log("error", "a request failed", { method: c.req.method, path: c.req.path, cause });
      return faultAnswer(
        c,
        "failed",
        "the server's log has the reason",
        "try again; if it stays, look at the server's log",
      );
    },
    notFound: (c: Context) => faultAnswer(c, "noSuchRoute", `${c.req.method} ${c.req.path.slice(0, 200)}`, routes),
  };
}
