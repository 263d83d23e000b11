import type { Machine } from "../../core/machine/record.ts";
import type { Mac } from "../../core/net/mac.ts";
import { putNewest } from "../../core/newest.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { type Attempt, rememberMs } from "../../core/pxe/local-boot/attempt.ts";
import type { LocalHistory, LocalTry } from "../../core/pxe/local-boot/choose.ts";
import { isAbout, learnFrom, lessonDocument, lessonsOf, type Model } from "../../core/pxe/local-boot/lesson.ts";
import { type LocalClient, methodsOf } from "../../core/pxe/local-boot/methods.ts";

/** Number of NICs whose last attempt is remembered; the oldest are forgotten. */
const attemptLimit = 65_536;

/** Remembers how machines were sent to their disks, and lets the MDB learn from those that come up. */
export type LocalBoots = Disposable & {
  /** What is known of a NIC, and of its machine's model if it has a record. */
  readonly historyOf: (mac: Mac, machine: Machine | undefined) => LocalHistory;
  readonly keep: (mac: Mac, local: LocalTry) => void;
};

/** Opens an empty memory; the Store keeps the lessons. */
export function openLocalBoots(deps: { readonly store: Store; readonly clock: Clock; readonly log: Log }): LocalBoots {
  const { store, clock, log } = deps;
  const attempts = new Map<string, LocalTry>();
  const clients = Object.keys(methodsOf) as readonly LocalClient[];
  const keyOf = (mac: Mac, client: LocalClient): string => `${mac} ${client}`;

  function learn(machine: ModelFacts, { client, attempt }: LocalTry): void {
    const model = modelOf(machine);
    if (model === undefined || attempt.outcome === "elsewhere") return;
    if (clock.monotonicMs() - attempt.atMs > rememberMs) return;
    const before = lessonsOf(store).find((lesson) => isAbout(lesson, model, client));
    const after = learnFrom(before, { model, client, attempt }, clock.nowMs());
    if (after === before) return;
    log("info", "learned how to make a model boot its disk", { ...model, client, method: attempt.method });
    store
      .putDocument(lessonDocument(after))
      .catch((error: unknown) => log("error", "recording a lesson failed", { error: String(error) }));
  }

  const unwatch = store.watch(({ machine, event }) => {
    // The agent also polls from the Bootstrap Image, directly after a birth: that says nothing about the disk.
    if (event.kind !== "subSeen" || event.fromDisk !== true || machine.state !== "healthy") return;
    for (const mac of machine.macs) {
      for (const client of clients) {
        const found = attempts.get(keyOf(mac, client));
        if (found === undefined) continue;
        attempts.delete(keyOf(mac, client));
        learn(machine, found);
      }
    }
  });

  return {
    historyOf: (mac, machine) => {
      const model = machine === undefined ? undefined : modelOf(machine);
      return {
        attemptOf: (client): Attempt | undefined => attempts.get(keyOf(mac, client))?.attempt,
        lessonOn: (client) => model && lessonsOf(store).find((lesson) => isAbout(lesson, model, client)),
        nowMs: clock.monotonicMs(),
      };
    },
    keep: (mac, local) => {
      const key = keyOf(mac, local.client);
      const before = attempts.get(key)?.attempt;
      if (before !== undefined && local.attempt.failed.length > before.failed.length)
        log("warn", "a machine came back instead of booting its disk; trying another method", {
          ...{ mac, client: local.client, failed: before.method, method: local.attempt.method },
        });
      putNewest(attempts, [key, local], attemptLimit);
    },
    [Symbol.dispose]: unwatch,
  };
}

/** The part of a record that identifies the model. */
type ModelFacts = Pick<Machine, "smbios" | "firmware">;

/** A board that does not identify itself teaches nothing about others. */
function modelOf({ smbios, firmware }: ModelFacts): Model | undefined {
  if (smbios === undefined || firmware === undefined || smbios.product === "") return undefined;
  return { vendor: smbios.vendor, product: smbios.product, firmware };
}
