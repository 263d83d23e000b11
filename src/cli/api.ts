import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { type OperatorRoute, operatorRoutes, type Route } from "../contract/operator-routes.ts";
import { failure } from "./failure.ts";
import { findServer } from "./find-server.ts";

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
  /** Asks a route whose answer is a text, or JSON that is handed on as it is. */
  readonly text: (route: OperatorRoute, asked?: Asked) => Promise<string>;
  /** The JSON lines of a route that goes on until one side ends it. */
  readonly follow: <T>(route: OperatorRoute) => AsyncGenerator<T, void, undefined>;
};

/** The operators' API of the server that is found as `findServer` says. */
export async function openApi(options: { readonly state?: string }): Promise<Api> {
  const socketPath = await findServer(options.state);

  async function send(route: OperatorRoute, { name, query, body, ifMatch }: Asked): Promise<IncomingMessage> {
    const { method, path, bodyType = "application/json" }: Route = operatorRoutes[route];
    const wanted = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = wanted.length === 0 ? "" : `?${new URLSearchParams(wanted)}`;
    const url = path.replace(":name", encodeURIComponent(name ?? "")) + search;
    const sent = request({
      ...{ socketPath, path: url, method },
      headers: {
        ...(body === undefined ? {} : { "content-type": bodyType }),
        ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
      },
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    if ((response.statusCode ?? 500) >= 400) throw await refusal(response);
    return response;
  }

  return {
    ask: async <T>(route: OperatorRoute, asked: Asked = {}) => JSON.parse(await textOf(await send(route, asked))) as T,
    text: async (route, asked = {}) => await textOf(await send(route, asked)),
    follow: async function* <T>(route: OperatorRoute) {
      const response = await send(route, {});
      for await (const line of createInterface({ input: response })) if (line !== "") yield JSON.parse(line) as T;
    },
  };
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
