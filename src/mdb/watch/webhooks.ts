import type { Notice } from "../../core/machine/health/notification.ts";
import type { Clock, Document, Log, Random, Store } from "../../core/ports.ts";
import { giveUpAfterMs, retryDelayMs } from "../../core/webhook/backoff.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** A URL to call, and the key that signs its calls. */
export type Webhook = { readonly url: string; readonly key: Uint8Array };

/** A pending call, as stored in the MDB. */
export type Call = { readonly url: string; readonly notice: Notice };

/** Limit of pending calls for one URL; further calls are dropped and logged. */
const queueLimit = 10_000;
const answerWithinMs = 10_000;

/** The key of a stored call: notice and URL, so that a notice found twice is stored once. */
export function callKey(notice: Pick<Notice, "id">, url: string): string {
  return `call ${notice.id} ${url}`;
}

/** The pending calls; a call leaves the MDB when its receiver has answered with a 2xx. */
export type Calls = AsyncDisposable & {
  /** Stores a call for each URL, and makes the calls; resolves when they are durable. */
  readonly send: (notice: Notice) => Promise<void>;
  /** Makes the pending calls in the MDB, if this server is the lead. */
  readonly resume: () => void;
};

/** Opens the calls to these URLs. Calls to one URL are made one after the other, oldest first. */
export function openCalls(deps: {
  readonly store: Store;
  readonly webhooks: readonly Webhook[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Milliseconds until the next attempt after this many failures. */
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
  /** Number of pending calls for each URL; counted, because listing all of them for each event is too slow. */
  const counts = new Map(webhooks.map(({ url }) => [url, waitingFor(url).length]));
  const count = (url: string, more: number) => counts.set(url, Math.max(0, (counts.get(url) ?? 0) + more));
  const chance = (): number => (random.bytes(1)[0] ?? 0) / 255;
  const mayGoOn = () => !closing.signal.aborted && store.leads();

  const callAll = async (webhook: Webhook): Promise<void> => {
    const { url } = webhook;
    for (let pending = waitingFor(url); pending.length > 0 && mayGoOn(); pending = waitingFor(url)) {
      counts.set(url, pending.length);
      for (const { key, document } of pending) {
        if (!(await callUntilSettled(webhook, (document as Call).notice))) return;
        await store.dropDocument({ kind: "webhook", key });
        count(url, -1);
      }
    }
  };
  /** Whether the receiver accepted the call, or it is too old; false when this server stops first. */
  const callUntilSettled = async (webhook: Webhook, notice: Notice): Promise<boolean> => {
    const facts = { url: webhook.url, notice: notice.id };
    for (let failures = 0; mayGoOn(); ) {
      const fault = await callOnce(webhook, notice);
      if (fault === undefined) return true;
      if (!mayGoOn()) return false;
      if (clock.nowMs() - notice.atMs > giveUpAfterMs) {
        log("error", "dropped a webhook that its receiver did not accept for three days", { ...facts, why: fault });
        return true;
      }
      failures += 1;
      if (failures === 1) log("warn", "a webhook was not accepted; retrying", { ...facts, why: fault });
      await pause(retryMs(failures, chance()), closing.signal);
    }
    return false;
  };
  /** Why a call was not accepted; undefined if it was. */
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
      return response.ok ? undefined : `expected a 2xx status, found ${response.status}`;
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
        .catch((cause: unknown) => log("error", "sending webhooks to a URL stopped until the next event", { cause }))
        .finally(() => running.delete(webhook.url));
      running.set(webhook.url, call);
    }
  };

  return {
    send: async (notice) => {
      const written = webhooks.map(async ({ url }) => {
        if ((counts.get(url) ?? 0) >= queueLimit) {
          log("error", "dropped a webhook because too many are pending for its URL", { url, notice: notice.id });
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

/** Ends early, without an error, when the signal aborts. */
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
