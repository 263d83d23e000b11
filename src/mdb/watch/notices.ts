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

/** Up to which position of the feed notices were made; kept in the MDB, so that none is lost by a restart. */
const cursorKey = "cursor";
type Cursor = { readonly position: number };
/** The cursor is moved on at the latest after so many changes without a notice. */
const cursorStride = 1000;
const pageSize = 500;
const tickMs = 5000;

/** Turns changes into notices, until it is disposed of. */
export type Notices = AsyncDisposable & {
  /** Catches up if this process leads now and did not before. Called every few seconds. */
  readonly tick: () => Promise<void>;
};

/**
 * Opens the making of notices. What changed while nobody made any (a restart, another process that led and died) is made up
 * for from the feed. A notice may be made twice, never not at all; its id tells.
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
  /** One thing after the other: live changes wait until what was missed is made up for. */
  let line: Promise<void> = Promise.resolve();

  const moveTo = async (position: number): Promise<void> => {
    moved = position;
    await store.putDocument({ kind: "webhook", key: cursorKey, document: { position } satisfies Cursor });
  };
  const tellAll = async (notices: readonly Notice[], position: number): Promise<void> => {
    // Something before it failed: all from there on is made up for.
    if (!led) return;
    await Promise.all(notices.map((notice) => calls.send(notice)));
    if (notices.length > 0 || position - moved >= cursorStride) await moveTo(position);
  };
  const inLine = (work: () => Promise<void>): Promise<void> => {
    line = line.then(work).catch((cause: unknown) => {
      led = false;
      log("error", "a notice was not made; it is made up for", { cause });
    });
    return line;
  };
  const listen = (change: Change): void => {
    const { machine, absorbed = [] } = change;
    for (const gone of absorbed) notifiedStates.delete(gone);
    const notices = noticesOf(notifiedStates.get(machine.id), change);
    notifiedStates.set(machine.id, notifiedStateOf(machine));
    if (!store.leads()) led = false;
    else if (led && (notices.length > 0 || change.position - moved >= cursorStride))
      void inLine(() => tellAll(notices, change.position));
  };
  const catchUp = async (): Promise<void> => {
    const until = store.position();
    const known = new Map<MachineId, NotifiedState>();
    let from = cursorOf(store)?.position ?? until;
    while (from < until) {
      const page = await store.changesSince(from, pageSize);
      if (page.kind === "tooOld") {
        log("warn", "webhooks of long ago cannot be made up for", { oldest: page.oldest });
        break;
      }
      const [last] = page.changes.slice(-1);
      if (last === undefined) break;
      for (const change of page.changes) {
        const { id } = change.machine;
        const before = known.get(id) ?? (await notifiedStateBefore(store, change));
        known.set(id, notifiedStateOf(change.machine));
        await tellAll(noticesOf(before, change), change.position);
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
    await inLine(catchUp);
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
      await line;
      if (led && store.position() > moved) await moveTo(store.position());
    },
  };
}

function cursorOf(store: Store): Cursor | undefined {
  return store.documents("webhook").find(({ key }) => key === cursorKey)?.document as Cursor | undefined;
}

/** What stood of a machine before a change of the past; as far back as its history is kept. */
async function notifiedStateBefore(store: Store, { machine }: PastChange): Promise<NotifiedState | undefined> {
  const past: readonly NoticedChange[] = await store.history(machine.id, 1000);
  const before = past.filter((one) => one.machine.revision < machine.revision);
  const last = before[before.length - 1];
  return last === undefined ? undefined : notifiedStateOf(last.machine);
}
