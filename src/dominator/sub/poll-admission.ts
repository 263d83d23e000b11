import type { Context, MiddlewareHandler } from "hono";
import type { Problem } from "../../contract/problem.ts";
import { maxSubMessageBytes } from "../../contract/sub.ts";
import { announcedSize } from "../../core/http/announced-size.ts";
import type { Directive } from "../../core/image/update/directive.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import { limitBody } from "./body-limit.ts";
import type { ReportSlots } from "./report-slots.ts";
import { senderOf, stranger } from "./sender.ts";
import type { SubAppInput } from "./sub-app-input.ts";

/** A poll without a tree: its largest part is 200 log lines. Only a larger one needs a report slot. */
export const smallPollBytes = 4 << 20;

/** Polls of one machine within a minute, whatever its addresses are: an agent polls after each directive, and else every few seconds. */
const pollsPerMinute = 300;

/** Decides before the first byte of a poll is read, because hundreds of megabytes may follow: who sends it, how often, how much. */
export function admitPolls({
  store,
  clock,
  log,
  reportSlots,
}: SubAppInput & { readonly reportSlots: ReportSlots }): MiddlewareHandler {
  const rates: RequestRates = new Map();
  const [admitSmall, admitTree] = [limitBody(smallPollBytes), limitBody(maxSubMessageBytes)];
  return async (context, next) => {
    const machine = senderOf(context, store);
    if (machine === undefined) return stranger(context, store);
    const { id } = machine;
    const rate = admitRequest(rates, id, { perMinute: pollsPerMinute, nowMs: clock.monotonicMs() });
    if (rate.kind === "refused") {
      if (rate.say) log("warn", "an agent polls too often; further polls are refused for a while", { id });
      return context.json(tooManyPolls, 429, { "retry-after": String(rate.retryAfterSeconds), connection: "close" });
    }
    if (announcedBytes(context) <= smallPollBytes) return await admitSmall(context, next);
    const admission = reportSlots.admit(machine);
    if (admission.kind === "busy") {
      // The connection stays: closed under a body that is being sent, it would lose the answer.
      return context.json(busy, 503, { "retry-after": String(admission.retryAfterSeconds) });
    }
    if (admission.kind === "notRequested") {
      const reason = "the server did not request this tree, because it has restarted; it will request it again";
      return context.json({ kind: "wait", seconds: 1, reason } satisfies Directive);
    }
    using _room = admission.room;
    return await admitTree(context, next);
  };
}

/** The length that a request announces; 0 if it announces none, and then only a small body is read. */
export function announcedBytes(context: Context): number {
  return announcedSize((name) => context.req.header(name)) ?? 0;
}

const busy: Problem = {
  kind: "busy",
  title: "too many trees at once",
  detail: "the server reads only a few trees at a time, and one per machine; who has sent fewer comes first",
  next: "retry after the time in Retry-After",
};

const tooManyPolls: Problem = {
  kind: "busy",
  title: "too many polls",
  detail: `expected at most ${pollsPerMinute} polls of a machine within a minute`,
  next: "retry after the time in Retry-After",
};
