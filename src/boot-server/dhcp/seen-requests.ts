import type { MessageType } from "../../core/dhcp/codec/message-type.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { PxeAsked } from "../../core/machine/requests.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { openChangeRate } from "./change-rate.ts";
import { openRequestTally } from "./request-tally.ts";

/** Limit of machines whose first record is being written; further ones are left to their next attempt, 4 s later. */
const waitingLimit = 4096;

/** Writes what DHCP sees of machines to their records. Disposing writes the pending counts. */
export type SeenRequests = AsyncDisposable & {
  /**
   * Starts to write what a client may rely on once it has its answer. The returned promise, whether it was accepted and
   * is durable, must be true before answering. Returns nothing if nothing has to be waited for.
   */
  readonly before: (answer: {
    readonly type: MessageType | undefined;
    readonly mac: Mac | undefined;
    readonly machine: Machine | undefined;
    readonly seen: PxeAsked | undefined;
  }) => Promise<boolean> | undefined;
  /** Records the rest of what was seen of a known machine, after it was answered. */
  readonly after: (machine: Machine, seen: PxeAsked) => Promise<unknown> | undefined;
};

/** Opens it over a store. */
export function openSeenRequests(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): SeenRequests {
  const { store, log } = deps;
  const tally = openRequestTally(deps);
  const rate = openChangeRate(deps);
  /** Pending writes of machines, and whether each was accepted. */
  const writing = new Map<Mac, Promise<boolean>>();

  /** Starts to write new facts to a record; resolves with whether they were accepted and are durable. Never rejects. */
  function record(seen: PxeAsked): Promise<boolean> {
    if (writing.size >= waitingLimit || !rate.allows(seen.mac)) return Promise.resolve(false);
    const written = writeDown(seen).finally(() => {
      if (writing.get(seen.mac) === written) writing.delete(seen.mac);
    });
    writing.set(seen.mac, written);
    return written;
  }

  async function writeDown(seen: PxeAsked): Promise<boolean> {
    try {
      const outcome = await store.apply(seen);
      if (outcome.kind === "changed") return true;
      const { kind: why, message } = outcome.refusal;
      log("warn", "DHCP request not answered", { mac: seen.mac, why, message });
    } catch (error) {
      log("error", "DHCP request not answered", { mac: seen.mac, why: "notRecorded", error: String(error) });
    }
    return false;
  }

  /** The store decides in memory at once, and writes only then (core/ports.ts). */
  function isInMemory({ mac, address }: PxeAsked): boolean {
    const machine = store.byMac(mac);
    return machine !== undefined && (address === undefined || machine.temporaryAddress === address);
  }

  return {
    before: ({ type, mac, machine, seen }) => {
      if (seen !== undefined && isNewTo(machine, seen)) {
        const written = record(seen);
        // An offer may precede the write, because it promises only what the address book keeps.
        if (type !== "offer" || !isInMemory(seen)) return written;
      }
      return type === "ack" && mac !== undefined ? writing.get(mac) : undefined;
    },
    after: (machine, seen) => {
      if (isNewTo(machine, seen) || tally.counts(machine, seen)) return undefined;
      if (rate.allowsDetail(seen.mac)) return store.apply(seen);
      tally.countOnly(machine, seen);
      return undefined;
    },
    [Symbol.asyncDispose]: () => tally[Symbol.asyncDispose](),
  };
}

/** Whether a request comes from a machine without a record, or has an address that its record lacks. */
function isNewTo(machine: Machine | undefined, { address }: PxeAsked): boolean {
  return machine === undefined || (address !== undefined && address !== machine.temporaryAddress);
}
