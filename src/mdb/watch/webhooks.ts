import type { Notice } from "../../core/machine/health/notification.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { retryDelayMs } from "../../core/webhook/backoff.ts";
import { CallQueue } from "./call-queue.ts";
import type { Webhook } from "./post-notice.ts";

/** The pending calls; a call leaves the MDB when its receiver has answered with a 2xx. */
export type Calls = AsyncDisposable & {
  /** Stores a call for each URL, and makes the calls; resolves when they are durable. */
  readonly send: (notice: Notice) => Promise<void>;
  /** Makes the pending calls in the MDB, if this server is the lead. */
  readonly resume: () => void;
};

/** Opens the calls to these URLs, one queue per URL. A URL that is listed twice is called once, with its first key. */
export function openCalls(deps: {
  readonly store: Store;
  readonly webhooks: readonly Webhook[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Milliseconds until the next attempt after this many failures. */
  readonly retryMs?: typeof retryDelayMs;
}): Calls {
  const { webhooks, retryMs = retryDelayMs } = deps;
  const closing = new AbortController();
  const queues = webhooks
    .filter(({ url }, index) => webhooks.findIndex((other) => other.url === url) === index)
    .map((webhook) => new CallQueue(webhook, { ...deps, retryMs, closing: closing.signal }));
  const resume = () => {
    for (const queue of queues) queue.resume();
  };
  return {
    send: async (notice) => {
      await Promise.all(queues.map((queue) => queue.add(notice)));
      resume();
    },
    resume,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all(queues.map((queue) => queue.ended()));
    },
  };
}
