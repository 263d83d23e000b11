import { once } from "node:events";
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as tlsRequest } from "node:https";
import { type OperatorRoute, operatorRoutes, type Route } from "../../contract/operator/routes.ts";
import { type FeedEvent, readEvents } from "../read/feed-events.ts";
import { failure } from "./failure.ts";
import { findRemote, remoteFailure } from "./find-remote.ts";
import { findServer } from "./find-server.ts";
import type { ServerOptions } from "./server-options.ts";

/** What goes with a request, beside its route. */
export type Asked = {
  readonly name?: string;
  readonly query?: { readonly [key: string]: string | undefined };
  readonly body?: object;
  /** The entity tag of the record that a change is to find. */
  readonly ifMatch?: string;
};

export type Api = {
  /** Asks, and gives the answer's JSON; throws the server's refusal in its own words. */
  readonly ask: <T>(route: OperatorRoute, asked?: Asked) => Promise<T>;
  /** Asks a route whose answer is handed on as it comes: it may be longer than memory. */
  readonly bytes: (route: OperatorRoute, asked?: Asked) => Promise<IncomingMessage>;
  /** The events of a feed after a position, or from now on, until the server ends it. */
  readonly follow: (route: OperatorRoute, since: string | undefined) => AsyncGenerator<FeedEvent, void, undefined>;
};

/** Sends one request, and gives the answer's head. */
type Exchange = (options: RequestOptions, body: string | undefined) => Promise<IncomingMessage>;

/** The operators' API: of the server that `--server` names, else of the one on this machine that `findServer` finds. */
export async function openApi(options: Pick<ServerOptions, "state" | "server" | "ca" | "tokenFile">): Promise<Api> {
  const exchange = await exchangeWith(options);

  async function send(route: OperatorRoute, { name, query, body, ifMatch }: Asked): Promise<IncomingMessage> {
    const { method, path, bodyType = "application/json" }: Route = operatorRoutes[route];
    const wanted = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = wanted.length === 0 ? "" : `?${new URLSearchParams(wanted)}`;
    const headers = {
      ...(body === undefined ? {} : { "content-type": bodyType }),
      ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
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
    ask: async <T>(route: OperatorRoute, asked: Asked = {}) => JSON.parse(await textOf(await send(route, asked))) as T,
    bytes: async (route, asked = {}) => await send(route, asked),
    follow: async function* (route, since) {
      yield* readEvents(await send(route, { query: { since } }));
    },
  };
}

async function exchangeWith(options: Parameters<typeof findRemote>[0]): Promise<Exchange> {
  const remote = findRemote(options);
  if (remote === undefined) {
    const socketPath = await findServer(options.state);
    return async (asked, body) => responseTo(request({ ...asked, socketPath }).end(body));
  }
  const { token, ...server } = remote;
  return async (asked, body) => {
    const headers = { ...asked.headers, authorization: `Bearer ${token}` };
    try {
      return await responseTo(tlsRequest({ ...asked, ...server, headers }).end(body));
    } catch (cause) {
      throw remoteFailure(remote, cause);
    }
  };
}

async function responseTo(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  return (await response.setEncoding("utf8").toArray()).join("");
}

/** The server's problem in its own words (RFC 9457 with what to do next). */
async function refusal(response: IncomingMessage): Promise<Error> {
  const text = await textOf(response);
  try {
    const { title, detail, next } = JSON.parse(text) as { title: string; detail: string; next: string };
    return failure("failed", `${title}: ${detail}`, next);
  } catch {
    return failure("failed", `the server answered ${response.statusCode}: ${text.slice(0, 200)}`);
  }
}
