import type { MessageType } from "../../core/dhcp/codec/message-type.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { PxeAsked } from "../../core/machine/requests.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { openRequestTally } from "./request-tally.ts";

/** Machines whose first record is being written; more are left to their next attempt, 4 s later. */
const waitingLimit = 4096;

/** Brings what DHCP sees of machines onto their records. Disposing of it writes what was only counted. */
export type SeenRequests = AsyncDisposable & {
  /**
   * Begins to write what a client may rely on once it hears the answer. What is returned must come true before: whether
   * it was accepted and is durable. Nothing is returned where nothing has to be waited for.
   */
  readonly before: (answer: {
    readonly type: MessageType | undefined;
    readonly mac: Mac | undefined;
    readonly machine: Machine | undefined;
    readonly seen: PxeAsked | undefined;
  }) => Promise<boolean> | undefined;
  /** The rest of what was seen of a known machine, when it was answered. */
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
  /** What is being written of machines, and whether it was accepted. */
  const writing = new Map<Mac, Promise<boolean>>();

  /** Begins to write what is new to a record; resolves with whether it was accepted and is durable. Never rejects. */
  function record(seen: PxeAsked): Promise<boolean> {
    if (writing.size >= waitingLimit) return Promise.resolve(false);
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

  /** The store decides in memory at once, and only then writes (core/ports.ts). */
  function isInMemory({ mac, address }: PxeAsked): boolean {
    const machine = store.byMac(mac);
    return machine !== undefined && (address === undefined || machine.temporaryAddress === address);
  }

  return {
    before: ({ type, mac, machine, seen }) => {
      if (seen !== undefined && isNewTo(machine, seen)) {
        const written = record(seen);
        // An offer may be sooner than the disk: it promises nothing but what the address book keeps.
        if (type !== "offer" || !isInMemory(seen)) return written;
      }
      return type === "ack" && mac !== undefined ? writing.get(mac) : undefined;
    },
    after: (machine, seen) => (isNewTo(machine, seen) || tally.counts(machine, seen) ? undefined : store.apply(seen)),
    [Symbol.asyncDispose]: () => tally[Symbol.asyncDispose](),
  };
}

/** Whether a request brings a machine that has no record, or an address that its record does not have. */
function isNewTo(machine: Machine | undefined, { address }: PxeAsked): boolean {
  return machine === undefined || (address !== undefined && address !== machine.temporaryAddress);
}
