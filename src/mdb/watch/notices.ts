import {
  type Notice,
  type NoticedChange,
  type NotifiedState,
  noticesOf,
  notifiedStateOf,
} from "../../core/machine/health/notification.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Change, Log, PastChange, Store } from "../../core/ports.ts";
import type { Calls } from "./webhooks.ts";

/** The position of the feed up to which notices were made; stored in the MDB, so that a restart loses none. */
const cursorKey = "cursor";
type Cursor = { readonly position: number };
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
export async function openNotices(deps: {
  readonly store: Store;
  readonly calls: Calls;
  readonly log: Log;
}): Promise<Notices> {
  const { store, calls, log } = deps;
  const notifiedStates = new Map<MachineId, NotifiedState>();
  let moved = cursorOf(store)?.position ?? store.position();
  let led = false;
  /** The queue of pending work: live changes wait until missed ones are processed. */
  let pending: Promise<void> = Promise.resolve();

  const moveTo = async (position: number): Promise<void> => {
    moved = position;
    await store.putDocument({ kind: "webhook", key: cursorKey, document: { position } satisfies Cursor });
  };
  const sendAll = async (notices: readonly Notice[], position: number): Promise<void> => {
    // An earlier step failed: everything from there on is read from the feed.
    if (!led) return;
    await Promise.all(notices.map((notice) => calls.send(notice)));
    if (notices.length > 0 || position - moved >= cursorStride) await moveTo(position);
  };
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    pending = pending.then(work).catch((cause: unknown) => {
      led = false;
      log("error", "processing a notice failed; it will be retried", { cause });
    });
    return pending;
  };
  const listen = (change: Change): void => {
    const { machine, absorbed = [] } = change;
    for (const removed of absorbed) notifiedStates.delete(removed);
    const notices = noticesOf(notifiedStates.get(machine.id), change);
    notifiedStates.set(machine.id, notifiedStateOf(machine));
    if (!store.leads()) led = false;
    else if (led && (notices.length > 0 || change.position - moved >= cursorStride))
      void enqueue(() => sendAll(notices, change.position));
  };
  const catchUp = async (): Promise<void> => {
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
      for (const change of page.changes) {
        const { id } = change.machine;
        const before = known.get(id) ?? (await notifiedStateBefore(store, change));
        known.set(id, notifiedStateOf(change.machine));
        await sendAll(noticesOf(before, change), change.position);
      }
      from = last.position;
    }
    await moveTo(until);
    calls.resume();
  };
  const tick = async (): Promise<void> => {
    if (!store.leads()) {
      led = false;
      return;
    }
    if (led) return calls.resume();
    led = true;
    await enqueue(catchUp);
  };

  for (const machine of store.list()) notifiedStates.set(machine.id, notifiedStateOf(machine));
  const unwatch = store.watch(listen);
  const timer = setInterval(() => void tick(), tickMs).unref();
  await tick();
  return {
    tick,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      unwatch();
      await pending;
      if (led && store.position() > moved) await moveTo(store.position());
    },
  };
}

function cursorOf(store: Store): Cursor | undefined {
  return store.documents("webhook").find(({ key }) => key === cursorKey)?.document as Cursor | undefined;
}

/** The notified state of a machine before a past change, as far back as its history reaches. */
async function notifiedStateBefore(store: Store, { machine }: PastChange): Promise<NotifiedState | undefined> {
  const past: readonly NoticedChange[] = await store.history(machine.id, 1000);
  const before = past.filter((one) => one.machine.revision < machine.revision);
  const last = before[before.length - 1];
  return last === undefined ? undefined : notifiedStateOf(last.machine);
}
