import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import type { Problem } from "../../contract/problem.ts";
import { newerProtocol } from "../../contract/protocol.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import { plainFacts } from "../../core/bytes/plain-text.ts";
import { announcedSize } from "../../core/http/announced-size.ts";
import type { Refusal } from "../../core/machine/event.ts";
import type { Log } from "../../core/ports.ts";
import { answerJson } from "./json-answer.ts";

/** Faults of a request that never reached a machine: HTTP status and title. */
const requestFaults = {
  malformed: { status: 400, title: "the body is not JSON" },
  misshapen: { status: 422, title: "invalid request" },
  newerProtocol: { status: 422, title: "the machine speaks a newer protocol than this server" },
  wrongQuery: { status: 400, title: "invalid query" },
  notKnown: { status: 401, title: "authentication required" },
  notAllowed: { status: 403, title: "insufficient role" },
  badSession: { status: 401, title: "the credential does not belong to a running birth" },
  wrongPlace: { status: 409, title: "the placement contradicts the placement rules" },
  wrongImage: { status: 409, title: "the image is not in the image rules" },
  tooLarge: { status: 413, title: "the body is too large" },
  noSuchToken: { status: 404, title: "no such token" },
  noSuchErasure: { status: 404, title: "no such erasure" },
  tokenTaken: { status: 409, title: "the name is taken" },
  nothingSelected: { status: 404, title: "no machine is selected" },
  noSuchImage: { status: 422, title: "no such image" },
  notCollected: { status: 409, title: "nothing can be removed now" },
  stale: { status: 412, title: "the record has changed" },
  unconditional: { status: 428, title: "If-Match required" },
  noSuchRoute: { status: 404, title: "no such route" },
  wrongMethod: { status: 405, title: "method not allowed" },
  notAcceptable: { status: 406, title: "no acceptable content type" },
  wrongType: { status: 415, title: "unsupported content type" },
  tooManyFailures: { status: 429, title: "too many invalid credentials" },
  tooManyReports: { status: 429, title: "too many reports" },
  busy: { status: 503, title: "too many large reports at once" },
  tooManyTokens: { status: 409, title: "too many tokens" },
  tooManyWatchers: { status: 429, title: "too many watchers" },
  failed: { status: 500, title: "internal server error" },
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
  foreignToken: { status: 403, title: "the token belongs to another machine" },
  otherTpm: { status: 403, title: "the machine is bound to another TPM" },
  nameTaken: { status: 409, title: "the name is taken" },
  addressTaken: { status: 409, title: "the address is taken" },
  macTaken: { status: 409, title: "the MAC address is taken" },
  alreadyKnown: { status: 409, title: "the machine already exists" },
  nameByPlace: { status: 409, title: "the name follows from the slot" },
  otherPlace: { status: 409, title: "the machine is in another slot" },
  tooMany: { status: 422, title: "too many entries for a record" },
  tooLarge: { status: 422, title: "too large for the record" },
  held: { status: 423, title: "on hold" },
  bootProved: { status: 409, title: "the boot is proved" },
  beyondBlastRadius: { status: 409, title: "too many machines at once" },
  imageInUse: { status: 409, title: "the image is in use" },
  promotionRefused: { status: 409, title: "the stream cannot be moved now" },
  changedMeanwhile: { status: 412, title: "the record has changed" },
};

/** A refusal of the machine's life cycle as an answer (RFC 9457). */
export function refusalAnswer(c: Context, refusal: Refusal): Response {
  return answer(c, refusals[refusal.kind].status, problemOf(refusal));
}

/** A refusal of the machine's life cycle as a problem (RFC 9457). */
export function problemOf({ kind, message, next }: Refusal): Problem {
  return { kind, title: refusals[kind].title, detail: message, next };
}

/** The answer to a request that is invalid before any machine is involved. */
export function faultAnswer(c: Context, kind: RequestFault, detail: string, next: string): Response {
  const { status, title } = requestFaults[kind];
  return answer(c, status, { kind, title, detail, next });
}

type Status = (typeof requestFaults)[RequestFault]["status"] | (typeof refusals)[keyof typeof refusals]["status"];

function answer(c: Context, status: Status, problem: Problem): Response {
  return answerJson(c, problem, { status, headers: { "content-type": "application/problem+json" } });
}

/** A request that was read: the typed value, or the answer that refuses it and names each invalid path. */
export type Read<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "refused"; readonly response: Response };

/** Reads the body as JSON of this schema; `protocol` is the highest protocol number that is known of such a message. */
export async function readBody<T extends v.GenericSchema>(
  c: Context,
  schema: T,
  protocol?: number,
): Promise<Read<v.InferOutput<T>>> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = plainFacts(JSON.parse(text));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return { kind: "refused", response: faultAnswer(c, "malformed", detail, "send one JSON document") };
  }
  const newer = protocol === undefined ? undefined : newerProtocol(body, protocol);
  if (newer !== undefined)
    return {
      kind: "refused",
      response: faultAnswer(c, "newerProtocol", `protocol: expected at most ${protocol}, found ${newer}`, updateServer),
    };
  return readShape(c, schema, body);
}

/** What to do when a machine speaks a newer protocol than the server. */
const updateServer = "update this server to the version that the machine was started by";

/** Reads a value of this schema; a refusal names every invalid path. */
export function readShape<T extends v.GenericSchema>(c: Context, schema: T, value: unknown): Read<v.InferOutput<T>> {
  const parsed = v.safeParse(schema, value, faultMessages);
  if (parsed.success) return { kind: "read", value: parsed.output };
  const response = faultAnswer(
    c,
    "misshapen",
    faultsOf(parsed.issues),
    "see src/contract for the shape of this request",
  );
  return { kind: "refused", response };
}

/** How much of a too large body is still read, so that its sender gets to read the answer. */
const drainedBytes = 16 * 1024 * 1024;

/** Refuses bodies of more than `maxSize` bytes. */
export function atMost(maxSize: number): MiddlewareHandler {
  const onError = async (c: Context) => {
    const { body } = c.req.raw;
    let read = 0;
    // A body that was partly read (no Content-Length) is dropped; the connection ends with the answer.
    if (body !== null && !body.locked) {
      for await (const chunk of body) {
        read += chunk.length;
        if (read > drainedBytes) break;
      }
    }
    return faultAnswer(
      c,
      "tooLarge",
      `body: expected at most ${maxSize} bytes, found more`,
      "send fewer entries per request",
    );
  };
  const readWhole = bodyLimit({ maxSize, onError });
  return async (c, next) => {
    // Node reads no more than the announced length. Hono's limit makes a stream of it, which costs more than reading it.
    const announced = announcedSize((name) => c.req.header(name));
    if (announced === undefined) return await readWhole(c, next);
    return announced > maxSize ? await onError(c) : await next();
  };
}

/**
 * Last handlers of every app, for a handler that threw and for an unknown route; `routes` says where routes are
 * documented.
 */
export function lastHandlers(log: Log, routes = "see src/contract for the routes") {
  return {
    onError: (cause: Error, c: Context) => {
      log("error", "request failed", { method: c.req.method, path: c.req.path, cause });
      return faultAnswer(
        c,
        "failed",
        "the reason is in the server's log",
        "try again; if the error persists, see the server's log",
      );
    },
    notFound: (c: Context) => faultAnswer(c, "noSuchRoute", `${c.req.method} ${c.req.path.slice(0, 200)}`, routes),
  };
}
