import { isOfServer, meaningOf, nextTry, pauseMsOf } from "../../core/birth/retry.ts";
import type { Script } from "../engine/script.ts";
import type { Chassis, World } from "../world.ts";
import { ask, sleep } from "./waits.ts";

/** As init does: two minutes of attempts. */
const retryMs = 120_000;

/** The answer to a request that is repeated as init repeats it; the reason if it was refused or never answered. */
export type Talk =
  | { readonly kind: "answered"; readonly body: unknown }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

/** Asks a server as init does, with its rules for repeating. */
export function* talk(
  world: World,
  machine: Chassis,
  of: {
    /** The first is asked; one that does not answer becomes the last. */
    readonly servers: number[];
    readonly path: string;
    readonly body: unknown;
    readonly bearer?: string | undefined;
  },
): Script<Talk> {
  const beganMs = world.agenda.nowMs();
  for (let failures = 1; ; failures += 1) {
    const request = { path: of.path, body: JSON.stringify(of.body), bearer: of.bearer };
    const answer = yield* ask(world, machine, of.servers[0] ?? 0, request);
    if (answer === undefined || isOfServer(answer.status)) of.servers.push(...of.servers.splice(0, 1));
    const meaning = answer === undefined ? "later" : meaningOf(answer.status);
    if (answer !== undefined && meaning === "answered") return { kind: "answered", body: JSON.parse(answer.body) };
    const detail = answer === undefined ? "no answer" : detailOf(answer.body);
    if (meaning === "refused") return { kind: "refused", status: answer?.status ?? 0, reason: detail };
    const next = nextTry(failures, world.agenda.nowMs() - beganMs, retryMs);
    if (next.kind === "giveUp") return { kind: "refused", status: answer?.status ?? 0, reason: detail };
    yield* sleep(world, pauseMsOf(next.pauseMs, answer?.retryAfterSeconds));
  }
}

function detailOf(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { readonly detail?: unknown };
    return typeof detail === "string" ? detail : body.slice(0, 200);
  } catch {
    return body.slice(0, 200);
  }
}
