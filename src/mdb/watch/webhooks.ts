import type { Notice } from "../../core/machine/health/notification.ts";
import type { Clock, Document, Log, Random, Store } from "../../core/ports.ts";
import { giveUpAfterMs, retryDelayMs } from "../../core/webhook/backoff.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** A place to call, and the key that calls are signed with. */
export type Webhook = { readonly url: string; readonly key: Uint8Array };

/** A call that is yet to be made, as it is kept in the MDB. */
export type Call = { readonly url: string; readonly notice: Notice };

/** Calls that may wait for one place; further ones are given up, the log says how many. */
const queueLimit = 10_000;
const answerWithinMs = 10_000;

/** The key under which a call is kept: the notice and the place, so that what is found twice is kept once. */
export function callKey(notice: Pick<Notice, "id">, url: string): string {
  return `call ${notice.id} ${url}`;
}

/** Calls that are made; a call leaves the MDB when its place has answered with a 2xx. */
export type Calls = AsyncDisposable & {
  /** Keeps a call for each place, and makes them; resolves when they are durable. */
  readonly send: (notice: Notice) => Promise<void>;
  /** Makes the calls that wait in the MDB, where this process leads. */
  readonly resume: () => void;
};

/** Opens the calling of these places. Calls of one place are made one after the other, oldest first. */
export function openCalls(deps: {
  readonly store: Store;
  readonly webhooks: readonly Webhook[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Milliseconds until the next try after so many failures. */
  readonly retryMs?: typeof retryDelayMs;
}): Calls {
  const { store, webhooks, clock, random, log, retryMs = retryDelayMs } = deps;
  const closing = new AbortController();
  const running = new Map<string, Promise<void>>();

  const waitingFor = (url: string): readonly Document[] =>
    store
      .documents("webhook")
      .filter(({ key, document }) => key.startsWith("call ") && (document as Call).url === url)
      .sort((a, b) => a.position - b.position);
  /** How many wait for each place; counted, since a list of all is not made with each event. */
  const counts = new Map(webhooks.map(({ url }) => [url, waitingFor(url).length]));
  const count = (url: string, more: number) => counts.set(url, Math.max(0, (counts.get(url) ?? 0) + more));
  const chance = (): number => (random.bytes(1)[0] ?? 0) / 255;
  const mayGoOn = () => !closing.signal.aborted && store.leads();

  const callAll = async (webhook: Webhook): Promise<void> => {
    const { url } = webhook;
    for (let waiting = waitingFor(url); waiting.length > 0 && mayGoOn(); waiting = waitingFor(url)) {
      counts.set(url, waiting.length);
      for (const { key, document } of waiting) {
        if (!(await callUntilSettled(webhook, (document as Call).notice))) return;
        await store.dropDocument({ kind: "webhook", key });
        count(url, -1);
      }
    }
  };
  /** Whether the place has taken it, or it is too old; false when this process is to stop before. */
  const callUntilSettled = async (webhook: Webhook, notice: Notice): Promise<boolean> => {
    const facts = { url: webhook.url, notice: notice.id };
    for (let failures = 0; mayGoOn(); ) {
      const fault = await callOnce(webhook, notice);
      if (fault === undefined) return true;
      if (!mayGoOn()) return false;
      if (clock.nowMs() - notice.atMs > giveUpAfterMs) {
        log("error", "a webhook is dropped: its receiver did not accept it for three days", { ...facts, why: fault });
        return true;
      }
      failures += 1;
      if (failures === 1) log("warn", "a webhook was not taken; it is tried again", { ...facts, why: fault });
      await pause(retryMs(failures, chance()), closing.signal);
    }
    return false;
  };
  /** Why a call was not taken; undefined when it was. */
  const callOnce = async (webhook: Webhook, notice: Notice): Promise<string | undefined> => {
    const body = JSON.stringify(notice);
    try {
      const response = await fetch(webhook.url, {
        method: "POST",
        body,
        redirect: "error",
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(answerWithinMs)]),
        headers: {
          "content-type": "application/json",
          ...signatureHeaders({ id: notice.id, atMs: clock.nowMs(), body }, webhook.key),
        },
      });
      await response.body?.cancel();
      return response.ok ? undefined : `status ${response.status}`;
    } catch (cause) {
      const { message, cause: deeper } = cause as Error;
      return deeper instanceof Error ? `${message}: ${deeper.message}` : message;
    }
  };
  const resume = () => {
    if (closing.signal.aborted || !store.leads()) return;
    for (const webhook of webhooks) {
      if (running.has(webhook.url)) continue;
      const call = callAll(webhook)
        .catch((cause: unknown) => log("error", "webhooks of a place stand still until the next event", { cause }))
        .finally(() => running.delete(webhook.url));
      running.set(webhook.url, call);
    }
  };

  return {
    send: async (notice) => {
      const written = webhooks.map(async ({ url }) => {
        if ((counts.get(url) ?? 0) >= queueLimit) {
          log("error", "a webhook is dropped: too many wait for this URL", { url, notice: notice.id });
          return;
        }
        const call: Call = { url, notice };
        count(url, 1);
        await store.putDocument({ kind: "webhook", key: callKey(notice, url), document: call });
      });
      await Promise.all(written);
      resume();
    },
    resume,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all(running.values());
    },
  };
}

/** Ends early, and well, when the signal comes. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
