import { reasonHeader } from "../../contract/operator/routes/route.ts";
import { changeHeader } from "../../contract/operator/session.ts";

/** Why a request failed: the server's problem (RFC 9457), or that it was not reached. */
export type Fault = { readonly status: number; readonly title: string; readonly detail: string; readonly next: string };

/** The answer to a request, or why there is none. */
export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "fault"; readonly fault: Fault };

const limitMs = 30_000;
const unreached = "the server did not answer";

/** What is told of each answer: the shell ends a session that the server no longer knows. */
let heard: (status: number, sentAtMs: number) => void = () => {};

/** Calls back with the status of every answer, 0 for a request that reached nobody, and when it was sent (monotonic). */
export function onAnswer(listener: (status: number, sentAtMs: number) => void): void {
  heard = listener;
}

/** Sends a request to the API of the server that the page is from. */
export async function send<T>(path: string, { method = "GET", body, reason = "" }: Sending = {}): Promise<Answer<T>> {
  const isRead = method === "GET";
  const sentAtMs = performance.now();
  try {
    const response = await fetch(path, {
      ...{ method, credentials: "same-origin", signal: AbortSignal.timeout(limitMs) },
      headers: {
        ...(isRead ? {} : { [changeHeader]: "1" }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(reason.trim() === "" ? {} : { [reasonHeader]: encodeURIComponent(reason.trim()) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    heard(response.status, sentAtMs);
    const value: unknown = await response.json();
    if (response.ok) return { kind: "answer", value: value as T };
    return { kind: "fault", fault: { ...(value as Fault), status: response.status } };
  } catch (error) {
    heard(0, sentAtMs);
    const detail = error instanceof Error ? error.message : unreached;
    const next = "check the network and the server; the page tries again by itself";
    return { kind: "fault", fault: { status: 0, title: unreached, detail, next } };
  }
}

type Sending = {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly body?: unknown;
  /** Why, for the audit; empty if nobody said. */
  readonly reason?: string;
};

/** A path with these parameters; those that are undefined or empty are left out. */
export function withQuery(path: string, query: { readonly [key: string]: string | undefined }): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => (pair[1] ?? "") !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
