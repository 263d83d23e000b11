import {
  type Notice,
  type NoticedChange,
  type NotifiedState,
  noticesOf,
  notifiedStateOf,
} from "../../core/machine/health/notification.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Change, Log, PastChange, Store } from "../../core/ports.ts";
import type { CallCursor } from "../../core/store/stored-documents.ts";
import type { Calls } from "./webhooks.ts";

/** The position of the feed up to which notices were made; stored in the MDB, so that a restart loses none. */
const cursorKey = "cursor";
/** The cursor is advanced after this many changes without a notice at the latest. */
const cursorStride = 1000;
const pageSize = 500;
const tickMs = 5000;

/** Turns changes into notices until disposed. */
export type Notices = AsyncDisposable & {
  /** Catches up if this server has just become the lead. Called every few seconds. */
  readonly tick: () => Promise<void>;
};

/**
 * Opens the processing of notices. Changes made while no server processed them (a restart, a lead that died) are read
 * from the feed. A notice may be sent twice, but is never lost; receivers recognise repetitions by its id.
 */
export async function openNotices(deps: NoticesDeps): Promise<Notices> {
  const { store } = deps;
  const feed = new NoticeFeed(deps);
  const unwatch = store.watch((change) => feed.take(change));
  const timer = setInterval(() => void feed.tick(), tickMs).unref();
  await feed.tick();
  return {
    tick: () => feed.tick(),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      unwatch();
      await feed.close();
    },
  };
}

type NoticesDeps = { readonly store: Store; readonly calls: Calls; readonly log: Log };

/** Makes the notices of all changes, in order, while this server is the lead. */
class NoticeFeed {
  readonly #deps: NoticesDeps;
  readonly #notifiedStates: Map<MachineId, NotifiedState>;
  /** The position that the stored cursor has. */
  #cursor: number;
  /** The position of the last change that was received here; a change after it is left to the next start. */
  #taken: number;
  /** Whether all changes before the live ones were processed, or are queued. False after a failure. */
  #isLive = false;
  /** The queue of pending work: live changes wait until missed ones are processed. */
  #pending: Promise<void> = Promise.resolve();

  constructor(deps: NoticesDeps) {
    const { store } = deps;
    this.#deps = deps;
    this.#cursor = cursorOf(store)?.position ?? store.position();
    this.#taken = this.#cursor;
    this.#notifiedStates = new Map(store.list().map((machine) => [machine.id, notifiedStateOf(machine)]));
  }

  /** Processes a change that was just made. */
  take(change: Change): void {
    const { machine, absorbed = [], position } = change;
    this.#taken = position;
    for (const removed of absorbed) this.#notifiedStates.delete(removed);
    const notices = noticesOf(this.#notifiedStates.get(machine.id), change);
    this.#notifiedStates.set(machine.id, notifiedStateOf(machine));
    if (!this.#deps.store.leads()) this.#isLive = false;
    else if (this.#isLive && this.#mustAdvance(notices, position))
      void this.#enqueue(() => this.#sendAll(notices, position));
  }

  /** Catches up if this server has just become the lead, or if a step failed. */
  async tick(): Promise<void> {
    const { store, calls } = this.#deps;
    if (!store.leads()) {
      this.#isLive = false;
      return;
    }
    if (this.#isLive) return calls.resume();
    this.#isLive = true;
    await this.#enqueue(() => this.#catchUp());
  }

  /** Resolves when the queue is empty and the cursor is stored: not beyond what was received, as changes go on meanwhile. */
  async close(): Promise<void> {
    await this.#pending;
    if (this.#isLive && this.#taken > this.#cursor) await this.#moveTo(this.#taken);
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#pending = this.#pending.then(work).catch((cause: unknown) => {
      this.#isLive = false;
      this.#deps.log("error", "processing a notice failed; it will be retried", { cause });
    });
    return this.#pending;
  }

  #mustAdvance(notices: readonly Notice[], position: number): boolean {
    return notices.length > 0 || position - this.#cursor >= cursorStride;
  }

  async #moveTo(position: number): Promise<void> {
    this.#cursor = position;
    const document: CallCursor = { position };
    await this.#deps.store.putDocument({ kind: "webhook", key: cursorKey, document });
  }

  async #sendAll(notices: readonly Notice[], position: number): Promise<void> {
    // An earlier step failed: everything from there on is read from the feed.
    if (!this.#isLive) return;
    await Promise.all(notices.map((notice) => this.#deps.calls.send(notice)));
    if (this.#mustAdvance(notices, position)) await this.#moveTo(position);
  }

  async #catchUp(): Promise<void> {
    const { store, calls, log } = this.#deps;
    const until = store.position();
    const known = new Map<MachineId, NotifiedState>();
    let from = cursorOf(store)?.position ?? until;
    while (from < until) {
      const page = await store.changesSince(from, pageSize);
      if (page.kind === "tooOld") {
        log("warn", "webhooks for old changes are lost, because the history no longer holds them", {
          oldest: page.oldest,
        });
        break;
      }
      const [last] = page.changes.slice(-1);
      if (last === undefined) break;
      // The effect of an unreadable change appears with the machine's next change.
      for (const change of page.changes.filter(isReadable)) {
        const { id } = change.machine;
        const before = known.get(id) ?? (await notifiedStateBefore(store, change));
        known.set(id, notifiedStateOf(change.machine));
        await this.#sendAll(noticesOf(before, change), change.position);
      }
      from = last.position;
    }
    await this.#moveTo(until);
    calls.resume();
  }
}

function cursorOf(store: Store): CallCursor | undefined {
  const found = store.documents("webhook").find(({ key }) => key === cursorKey)?.document;
  return found !== undefined && "position" in found ? found : undefined;
}

function isReadable({ event }: Pick<PastChange, "event">): boolean {
  return event.kind !== "unreadable";
}

/** The notified state of a machine before a past change, as far back as its history reaches. */
async function notifiedStateBefore(store: Store, { machine }: PastChange): Promise<NotifiedState | undefined> {
  const past: readonly NoticedChange[] = await store.history(machine.id, 1000);
  const before = past.filter((one) => isReadable(one) && one.machine.revision < machine.revision);
  const last = before[before.length - 1];
  return last === undefined ? undefined : notifiedStateOf(last.machine);
}
