/**
 * Decides which machines may fetch boot images or their system image now, and which wait in the queue. A hundred racks that
 * power on together would share the uplink so thinly that all of them time out; so only as many may fetch as fill it.
 */

/** A machine that may fetch; `bytesLeft` remain to be sent. */
type Served = { readonly who: string; readonly bytesLeft: number; readonly untilMs: number };
/** A machine that waits; `asksAgainAtMs` is when it is due to retry. */
type Waiting = { readonly who: string; readonly bytes: number; readonly asksAgainAtMs: number };

/** The state of the queue, first come, first served. */
export type FetchQueue = { readonly served: readonly Served[]; readonly waiting: readonly Waiting[] };

export const emptyFetchQueue: FetchQueue = { served: [], waiting: [] };

export type FetchQueueEvent =
  /** A machine starts or continues a fetch of this many bytes in total. */
  | { readonly kind: "asked"; readonly who: string; readonly bytes: number }
  /** This many bytes of a fetch were sent. */
  | { readonly kind: "sent"; readonly who: string; readonly bytes: number }
  /** A machine has fetched everything, or gave up. */
  | { readonly kind: "left"; readonly who: string };

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
  /** After how long the machine at this position asks again at the latest. */
  readonly longestWaitSeconds: (position: number) => number;
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

/** System images are large, and agents are patient: what counts is machines; none starts while boot images wait. */
export function systemImageRules(uplink: {
  readonly bytesPerSecond: number | undefined;
  readonly bootImagesWait: boolean;
}): FetchRules {
  const { bytesPerSecond, bootImagesWait } = uplink;
  const slots = systemImageSlots(bytesPerSecond);
  return {
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...{ servedMs: 300_000, graceMs: 30_000 },
    hasRoom: ({ machines }) => machines === 0 || (machines < slots && !bootImagesWait),
    longestWaitSeconds: (position) => (position <= slots ? nextWaitSeconds : waitSecondsAt(position)),
  };
}

/**
 * As many machines can get their turn in a second where the fetches are short, such as those of an update: a machine at position 200
 * asks again after four seconds, and finds those before it gone. Thousands that wait ask about 250 times a second, all together.
 */
const turnsPerSecond = 50;

function waitSecondsAt(position: number): number {
  return Math.min(longestWaitSeconds, Math.max(nextWaitSeconds, Math.ceil(position / turnsPerSecond)));
}

/** Maximum length of the queue; further machines wait, too, but without a position. */
const lineLimit = 16_384;

/** The time on a monotonic clock, and what counts now. */
type Moment = { readonly nowMs: number; readonly rules: FetchRules };

/** The next state of the queue, and the answer to the machine. */
export function stepFetchQueue(
  line: FetchQueue,
  event: FetchQueueEvent,
  now: Moment,
): { readonly line: FetchQueue; readonly answer?: FetchAnswer } {
  const { nowMs, rules } = now;
  const { servedMs } = rules;
  const served = line.served.filter(({ untilMs }) => untilMs > nowMs);
  const { who } = event;
  if (event.kind === "sent") {
    // Who only says that it fetches does not keep its slot.
    if (event.bytes <= 0) return { line: { ...line, served } };
    const after = served.map((one) =>
      one.who === who ? { ...one, bytesLeft: one.bytesLeft - event.bytes, untilMs: nowMs + servedMs } : one,
    );
    return { line: { ...line, served: after.filter(({ bytesLeft }) => bytesLeft > 0) } };
  }
  const waiting = stillWaiting(line, now);
  if (event.kind === "left") {
    const others = <T extends { readonly who: string }>(machines: readonly T[]) =>
      machines.filter((one) => one.who !== who);
    return { line: { served: others(served), waiting: others(waiting) } };
  }
  const { bytes } = event;
  if (served.some((one) => one.who === who)) return { line: { served, waiting }, answer: { kind: "admitted" } };

  const at = waiting.findIndex((one) => one.who === who);
  const ahead = at < 0 ? waiting : waiting.slice(0, at);
  const bytesAhead = sum(served.map(({ bytesLeft }) => bytesLeft)) + sum(ahead.map((one) => one.bytes));
  if (rules.hasRoom({ machines: served.length + ahead.length, bytes: bytesAhead }, bytes))
    return {
      line: {
        served: [...served, { who, bytesLeft: bytes, untilMs: nowMs + servedMs }],
        waiting: waiting.filter((one) => one.who !== who),
      },
      answer: { kind: "admitted" },
    };
  const estimate = estimatedSeconds(bytesAhead, rules);
  const retryAfterSeconds = Math.min(estimate ?? Infinity, rules.longestWaitSeconds(ahead.length + 1));
  const place: Waiting = { who, bytes, asksAgainAtMs: nowMs + retryAfterSeconds * 1000 };
  const behind = at < 0 ? [] : waiting.slice(at + 1);
  return {
    line: { served, waiting: ahead.length < lineLimit ? [...ahead, place, ...behind] : waiting },
    answer: {
      ...{ kind: "wait", position: ahead.length + 1, retryAfterSeconds },
      ...(estimate === undefined ? {} : { estimatedSeconds: estimate }),
    },
  };
}

/** Those who have not left. */
function stillWaiting({ waiting }: FetchQueue, { nowMs, rules }: Moment): readonly Waiting[] {
  return waiting.filter(({ asksAgainAtMs }) => asksAgainAtMs + rules.graceMs > nowMs);
}

/** Whether a machine waits. */
export function isAnyWaiting(line: FetchQueue, now: Moment): boolean {
  return stillWaiting(line, now).length > 0;
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
