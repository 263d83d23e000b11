import { type NewArray, newArray } from "./new-array.ts";
import { openServedMachines } from "./served-machines.ts";
import { openWaitingLine } from "./waiting-line.ts";

/**
 * Decides which machines may fetch boot images or their system image now, and which wait in the queue. A hundred racks that
 * power on together would share the uplink so thinly that all of them time out; so only as many may fetch as fill it.
 */

/** The answer to a machine. */
export type FetchAnswer =
  | { readonly kind: "admitted" }
  | {
      readonly kind: "wait";
      /** 1 is next. */
      readonly position: number;
      /** Absent if the bandwidth is not known. */
      readonly estimatedSeconds?: number;
      /** When to retry: at its turn, or earlier to keep its record current. */
      readonly retryAfterSeconds: number;
    };

/** A queue, first come, first served. Each call takes O(log n) steps, so that 40,000 machines may wait. */
export type FetchQueue = {
  /** A machine starts or continues a fetch of this many bytes in total. */
  readonly ask: (who: string, bytes: number, now: Moment) => FetchAnswer;
  /** This many bytes of a fetch were sent. */
  readonly sent: (who: string, bytes: number, now: Moment) => void;
  /** A machine has fetched everything, or gave up. */
  readonly left: (who: string) => void;
  /** Whether a machine would have to wait if it asked now. */
  readonly wouldWait: (who: string, now: Moment) => boolean;
  readonly isAnyWaiting: (now: Moment) => boolean;
};

/** What is on its way, and what waits before a machine. */
type Load = { readonly machines: number; readonly bytes: number };

const longestWaitSeconds = 30;
/** For those whose turn comes as soon as one is done. */
const nextWaitSeconds = 3;

/** What the queues of boot images and of system images differ in. */
export type FetchRules = {
  /** Bandwidth of the uplink, if it is known. */
  readonly bytesPerSecond?: number;
  /** A fetch of which nothing is heard for this time loses its slot to others; it may still continue. */
  readonly servedMs: number;
  /** A machine that is overdue by this much has left the queue. */
  readonly graceMs: number;
  /** Whether a fetch of this many bytes may start beside that load. */
  readonly hasRoom: (load: Load, bytes: number) => boolean;
  /** After how long the machine at this position asks again at the latest, where its turn is expected after this time. */
  readonly longestWaitSeconds: (position: number, estimatedSeconds: number | undefined) => number;
};

/** The boot images on their way are what a full uplink serves in this time: enough to fill it, few enough for each to be quick. */
const windowSeconds = 4;

/** Boot images are small, and firmware is impatient: what counts is bytes. */
export function bootImageRules(bytesPerSecond: number): FetchRules & { readonly bytesPerSecond: number } {
  return {
    ...{ bytesPerSecond, servedMs: 60_000, graceMs: 5000 },
    // One fetch is always allowed, even if the uplink is slower than that.
    hasRoom: (load, bytes) => load.bytes === 0 || load.bytes + bytes <= bytesPerSecond * windowSeconds,
    longestWaitSeconds: () => longestWaitSeconds,
  };
}

const bytesPerGigabit = 125_000_000;

/** The bandwidth that the configuration names. */
export function uplinkBytesPerSecond(megabitsPerSecond: number): number {
  return (megabitsPerSecond * bytesPerGigabit) / 1000;
}

/** Where the bandwidth is not known: machines that fetch as fast as their disks write fill 25 Gb/s. */
const unknownUplinkSlots = 64;

/**
 * How many machines may fetch their system image at once. They take minutes, and each is limited by its own disk or link, at
 * least half a gigabit a second: two for each gigabit, and a few for those that are slower.
 */
export function systemImageSlots(bytesPerSecond: number | undefined): number {
  return bytesPerSecond === undefined ? unknownUplinkSlots : 4 + Math.ceil((2 * bytesPerSecond) / bytesPerGigabit);
}

/**
 * System images are large, and agents wait: what counts is machines; none starts while boot images wait. A machine that may get
 * the image from others meanwhile (`hasOthers`) asks more often: nobody knows when it can.
 */
export function systemImageRules(uplink: {
  readonly bytesPerSecond: number | undefined;
  readonly bootImagesWait: boolean;
  readonly hasOthers: boolean;
}): FetchRules {
  const { bytesPerSecond, bootImagesWait, hasOthers } = uplink;
  const slots = systemImageSlots(bytesPerSecond);
  return {
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...{ servedMs: 300_000, graceMs: 30_000 },
    hasRoom: ({ machines }) => machines === 0 || (machines < slots && !bootImagesWait),
    longestWaitSeconds: (position, estimated) => {
      if (position <= slots) return nextWaitSeconds;
      return hasOthers ? Math.min(longestWaitSeconds, waitSecondsAt(position)) : retrySecondsAt(position, estimated);
    },
  };
}

/**
 * As many machines can get their turn in a second where the fetches are short, such as those of an update: a machine at position 200
 * asks again after four seconds, and finds those before it gone. Thousands that wait ask about 250 times a second, all together.
 */
const turnsPerSecond = 50;

function waitSecondsAt(position: number): number {
  return Math.max(nextWaitSeconds, Math.ceil(position / turnsPerSecond));
}

/** No machine waits longer without a question: an operator's action reaches it with the answer. */
export const longestRetrySeconds = 300;

/**
 * Half of the time that the uplink needs for those before it: many of them may leave, and a place is not kept long for a machine that
 * is gone. So 40,000 machines, which wait for hours without peers, ask about 150 times a second instead of 1,440 times.
 */
function retrySecondsAt(position: number, estimated = 0): number {
  return Math.min(longestRetrySeconds, Math.max(waitSecondsAt(position), Math.floor(estimated / 2)));
}

/** Maximum length of the queue, more than 1,000 racks have; further machines wait, too, but without a position. */
const lineLimit = 65_536;

/** The time on a monotonic clock, and what counts now. */
type Moment = { readonly nowMs: number; readonly rules: FetchRules };

/** A queue in which nobody fetches or waits. */
export function openFetchQueue(arrays: NewArray = newArray): FetchQueue {
  const served = openServedMachines(arrays);
  const waiting = openWaitingLine(arrays);

  function loadBefore(who: string): Load {
    const [sending, ahead] = [served.load(), waiting.ahead(who)];
    return { machines: sending.machines + ahead.machines, bytes: sending.bytes + ahead.bytes };
  }
  function forgetOverdue({ nowMs }: Moment): void {
    served.removeOverdue(nowMs);
    waiting.removeOverdue(nowMs);
  }
  function ask(who: string, bytes: number, now: Moment): FetchAnswer {
    forgetOverdue(now);
    const { nowMs, rules } = now;
    if (served.has(who)) return { kind: "admitted" };
    const load = loadBefore(who);
    if (rules.hasRoom(load, bytes)) {
      waiting.remove(who);
      served.put(who, { bytesLeft: bytes, untilMs: nowMs + rules.servedMs });
      return { kind: "admitted" };
    }
    const position = waiting.ahead(who).machines + 1;
    const estimate = estimatedSeconds(load.bytes, rules);
    const retryAfterSeconds = Math.min(estimate ?? Infinity, rules.longestWaitSeconds(position, estimate));
    const leavesAtMs = nowMs + retryAfterSeconds * 1000 + rules.graceMs;
    if (position <= lineLimit) waiting.put(who, { bytes, leavesAtMs });
    return {
      ...{ kind: "wait", position, retryAfterSeconds },
      ...(estimate === undefined ? {} : { estimatedSeconds: estimate }),
    };
  }
  function sent(who: string, bytes: number, now: Moment): void {
    forgetOverdue(now);
    const before = served.bytesLeft(who);
    // Who only says that it fetches does not keep its slot.
    if (before === undefined || bytes <= 0) return;
    if (before <= bytes) served.remove(who);
    else served.put(who, { bytesLeft: before - bytes, untilMs: now.nowMs + now.rules.servedMs });
  }
  return {
    ask,
    sent,
    left: (who) => {
      served.remove(who);
      waiting.remove(who);
    },
    wouldWait: (who, now) => {
      forgetOverdue(now);
      return !served.has(who) && !now.rules.hasRoom(loadBefore(who), 1);
    },
    isAnyWaiting: (now) => {
      forgetOverdue(now);
      return waiting.size() > 0;
    },
  };
}

function estimatedSeconds(bytesAhead: number, { bytesPerSecond }: FetchRules): number | undefined {
  return bytesPerSecond === undefined ? undefined : Math.max(1, Math.ceil(bytesAhead / bytesPerSecond));
}

/**
 * Whether a client retries after 503 with Retry-After. iPXE does (httpcore.c, `http_parse_retry_after`);
 * UEFI's HTTP boot (EDK2 HttpBootDxe takes 503 as an error and tries its next entry), curl and others do not, so they
 * never wait. The signed GRUB fetches by TFTP and is not counted.
 */
export function obeysRetryAfter(userAgent: string | undefined): boolean {
  return userAgent?.startsWith("iPXE/") ?? false;
}
