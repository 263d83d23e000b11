import type { Notice } from "../../core/machine/health/notification.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import type { Call, DocumentOf } from "../../core/store/stored-documents.ts";
import { isUndeliverable, type retryDelayMs } from "../../core/webhook/backoff.ts";
import { postNotice, type Webhook } from "./post-notice.ts";

/** A pending call, as stored in the MDB. */

/** Limit of pending calls for one URL; further calls are dropped and logged. */
const queueLimit = 10_000;

const callPrefix = "call ";

/** The key of a stored call: notice and URL, so that a notice found twice is stored once. */
export function callKey(notice: Pick<Notice, "id">, url: string): string {
  return `${callPrefix}${notice.id} ${url}`;
}

/** What the queues of all URLs share. */
export type CallQueueDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly retryMs: typeof retryDelayMs;
  /** Aborted when this server stops. */
  readonly closing: AbortSignal;
};

/** The pending calls to one URL, made one after the other, oldest first. */
export class CallQueue {
  readonly #webhook: Webhook;
  readonly #deps: CallQueueDeps;
  /** Number of pending calls; counted, because listing them for each event is too slow. */
  #count: number;
  #running: Promise<void> | undefined;

  constructor(webhook: Webhook, deps: CallQueueDeps) {
    this.#webhook = webhook;
    this.#deps = deps;
    this.#count = this.#pending().length;
  }

  /** Stores a call; resolves when it is durable. */
  async add(notice: Notice): Promise<void> {
    const { store, log } = this.#deps;
    const { url } = this.#webhook;
    if (this.#count >= queueLimit) {
      log("error", "dropped a webhook because too many are pending for its URL", { url, notice: notice.id });
      return;
    }
    const document: Call = { url, notice };
    this.#count += 1;
    await store.putDocument({ kind: "webhook", key: callKey(notice, url), document });
  }

  /** Makes the pending calls, if this server is the lead. */
  resume(): void {
    if (this.#running !== undefined || !this.#mayGoOn()) return;
    this.#running = this.#callAll()
      .catch((cause: unknown) =>
        this.#deps.log("error", "sending webhooks to a URL stopped until the next event", { cause }),
      )
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when no call is being made. */
  async ended(): Promise<void> {
    await this.#running;
  }

  #mayGoOn(): boolean {
    return !this.#deps.closing.aborted && this.#deps.store.leads();
  }

  #pending(): readonly (Pick<DocumentOf<"webhook">, "key" | "position"> & { readonly call: Call })[] {
    return this.#deps.store
      .documents("webhook")
      .flatMap(({ key, position, document }) => {
        const isOurs = key.startsWith(callPrefix) && "url" in document && document.url === this.#webhook.url;
        return isOurs ? [{ key, position, call: document }] : [];
      })
      .sort((a, b) => a.position - b.position);
  }

  async #callAll(): Promise<void> {
    for (let pending = this.#pending(); pending.length > 0 && this.#mayGoOn(); pending = this.#pending()) {
      this.#count = pending.length;
      for (const { key, call } of pending) {
        if (!(await this.#callUntilSettled(call.notice))) return;
        await this.#deps.store.dropDocument({ kind: "webhook", key });
        this.#count = Math.max(0, this.#count - 1);
      }
    }
  }

  /** Whether the receiver accepted the call, or it is too old; false when this server stops first. */
  async #callUntilSettled(notice: Notice): Promise<boolean> {
    const { clock, random, log, retryMs, closing } = this.#deps;
    const facts = { url: this.#webhook.url, notice: notice.id };
    const begunMs = clock.monotonicMs();
    for (let failures = 0; this.#mayGoOn(); ) {
      const fault = await postNotice(this.#webhook, notice, { nowMs: clock.nowMs(), signal: closing });
      if (fault === undefined) return true;
      if (!this.#mayGoOn()) return false;
      if (isUndeliverable(notice.atMs, clock.monotonicMs() - begunMs, clock.nowMs())) {
        log("error", "dropped a webhook that its receiver did not accept for three days", { ...facts, why: fault });
        return true;
      }
      failures += 1;
      if (failures === 1) log("warn", "a webhook was not accepted; retrying", { ...facts, why: fault });
      await pause(retryMs(failures, (random.bytes(1)[0] ?? 0) / 255), closing);
    }
    return false;
  }
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
