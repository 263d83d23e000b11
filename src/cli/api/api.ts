import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as tlsRequest } from "node:https";
import * as v from "valibot";
import { type Route, reasonHeader } from "../../contract/operator/routes/route.ts";
import { type OperatorRoute, operatorRoutes } from "../../contract/operator/routes.ts";
import { problem } from "../../contract/problem.ts";
import { shapesAdvice } from "../../contract/shape-faults.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { type FeedEvent, readEvents } from "../read/feed-events.ts";
import { afterLost, failure, isCutOff, readFailure } from "./failure.ts";
import { findRemote, remoteFailure } from "./find-remote.ts";
import { findServer } from "./find-server.ts";
import type { ServerOptions } from "./server-options.ts";

/** The parts of a request besides its route. */
export type RequestParts = {
  readonly name?: string;
  readonly query?: { readonly [key: string]: string | undefined };
  readonly body?: object;
  /** The entity tag that the record must have for a change. */
  readonly ifMatch?: string;
};

/** A client of the operators' API. */
export type Api = {
  /** Sends a request and returns the JSON of the answer; throws the server's refusal. */
  readonly ask: <T>(route: OperatorRoute, parts?: RequestParts) => Promise<T>;
  /** Sends a request and returns the answer as a stream, because it may exceed memory. */
  readonly bytes: (route: OperatorRoute, parts?: RequestParts) => Promise<IncomingMessage>;
  /** The events of a feed after a position, or from now on, until the server closes it or the connection is cut. */
  readonly follow: (route: OperatorRoute, since: string | undefined) => AsyncGenerator<FeedEvent, void, undefined>;
};

/** Sends one request and returns the head of the answer. */
type Exchange = (options: RequestOptions, body: string | undefined) => Promise<IncomingMessage>;

/** The operators' API of the server that `--server` names, else of the server on this machine that `findServer` finds. */
export async function openApi(
  options: Pick<ServerOptions, "state" | "server" | "ca" | "tokenFile" | "reason">,
): Promise<Api> {
  const exchange = await exchangeWith(options);
  const { reason } = options;

  async function send(route: OperatorRoute, { name, query, body, ifMatch }: RequestParts): Promise<IncomingMessage> {
    const { method, path, bodyType = "application/json" }: Route = operatorRoutes[route];
    const wanted = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = wanted.length === 0 ? "" : `?${new URLSearchParams(wanted)}`;
    const headers = {
      ...(body === undefined ? {} : { "content-type": bodyType }),
      ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
      ...(reason === undefined || method === "GET" ? {} : { [reasonHeader]: encodeURIComponent(reason) }),
    };
    const url = path.replace(":name", encodeURIComponent(name ?? "")) + search;
    const response = await exchange(
      { path: url, method, headers },
      body === undefined ? undefined : JSON.stringify(body),
    );
    if ((response.statusCode ?? 500) >= 400) throw await refusal(response);
    return response;
  }

  return {
    ask: async <T>(route: OperatorRoute, parts: RequestParts = {}) =>
      JSON.parse(await textOf(await send(route, parts), operatorRoutes[route].method)) as T,
    bytes: async (route, parts = {}) => await send(route, parts),
    follow: async function* (route, since) {
      const response = await send(route, { query: { since } });
      try {
        yield* readEvents(response);
      } catch (cause) {
        if (!isCutOff(cause)) throw cause;
      }
    },
  };
}

async function exchangeWith(options: Parameters<typeof findRemote>[0]): Promise<Exchange> {
  const remote = findRemote(options);
  if (remote === undefined) {
    const socketPath = await findServer(options.state);
    return async (parts, body) => {
      try {
        return await responseTo(request({ ...parts, socketPath }).end(body));
      } catch (cause) {
        throw unanswered(socketPath, cause, parts);
      }
    };
  }
  const { token, ...server } = remote;
  return async (parts, body) => {
    const headers = { ...parts.headers, authorization: `Bearer ${token}` };
    try {
      return await responseTo(tlsRequest({ ...parts, ...server, headers }).end(body));
    } catch (cause) {
      // Node's code of a connection that ended while it waited for the answer; one that was never made has others.
      if (isCutOff(cause)) throw unanswered(`${remote.host}:${remote.port}`, cause, parts);
      throw remoteFailure(remote, cause);
    }
  };
}

function unanswered(server: string, cause: unknown, { method }: RequestOptions): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return failure("noServer", `the server at ${server} gave no answer (${why})`, afterLost(method));
}

/** The head of the answer. What breaks off its body is an error of the request too, so that listener stays. */
async function responseTo(sent: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => sent.once("response", resolve).on("error", reject));
}

async function textOf(response: IncomingMessage, method?: string): Promise<string> {
  try {
    return (await response.setEncoding("utf8").toArray()).join("");
  } catch (cause) {
    throw readFailure(cause, method);
  }
}

/** What to do about an argument that the server cannot read. */
const usage = "see birther VERB --help; docs/operating.md describes selectors, fields and keys";

/** The server's problem as an error (RFC 9457, with a next step). */
async function refusal(response: IncomingMessage): Promise<Error> {
  const text = await textOf(response);
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), problem), text);
  if (read.success) {
    const { kind, title, detail, next } = read.output;
    // Each route of this command is in the contract: a server that lacks it is of an earlier version.
    if (kind === "noSuchRoute")
      return failure(
        "failed",
        plainText(`the server does not know ${detail}: it is older than this command`),
        "upgrade the server, or use the birther command of its version",
      );
    // What the server refuses to read comes from the command line: a selector, a field, a number, a value.
    if (kind === "wrongQuery" || kind === "misshapen")
      return failure("misused", plainText(`${title}: ${detail}`), plainText(next === shapesAdvice ? usage : next));
    return failure("failed", plainText(`${title}: ${detail}`), plainText(next));
  }
  return failure(
    "failed",
    `expected a refusal of the MDB, found status ${response.statusCode}: ${plainText(text.slice(0, 200))}`,
    "check that the address and port are those of a Birther server for operators",
  );
}
