/**
 * Decides which machines may fetch the Bootstrap Image now, and which wait in the queue. A hundred racks that power on
 * together would share the uplink so thinly that all of them time out; so only as many may fetch as the uplink serves in a
 * few seconds.
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
  | { readonly kind: "sent"; readonly who: string; readonly bytes: number };

/** The answer to a machine. */
export type FetchAnswer =
  | { readonly kind: "admitted" }
  | {
      readonly kind: "wait";
      /** 1 is next. */
      readonly position: number;
      readonly estimatedSeconds: number;
      /** When to retry: at its turn, or earlier to keep its record current. */
      readonly retryAfterSeconds: number;
    };

/** The number of concurrent fetches is what a full uplink serves in this time: enough to fill it, few enough for each to be quick. */
const windowSeconds = 4;
/** A fetch that takes longer loses its slot to others; it may still continue. */
const servedMs = 60_000;
/** A machine that is overdue by this much has left the queue. */
const graceMs = 5000;
const longestWaitSeconds = 30;
/** Maximum length of the queue; further machines wait, too, but without a position. */
const lineLimit = 16_384;

/** The next state of the queue, and the answer to the machine. */
export function stepFetchQueue(
  line: FetchQueue,
  event: FetchQueueEvent,
  now: { readonly nowMs: number; readonly bytesPerSecond: number },
): { readonly line: FetchQueue; readonly answer?: FetchAnswer } {
  const { nowMs, bytesPerSecond } = now;
  const served = line.served.filter(({ untilMs }) => untilMs > nowMs);
  if (event.kind === "sent") {
    const after = served.map((one) =>
      one.who === event.who ? { ...one, bytesLeft: one.bytesLeft - event.bytes, untilMs: nowMs + servedMs } : one,
    );
    return { line: { ...line, served: after.filter(({ bytesLeft }) => bytesLeft > 0) } };
  }
  const { who, bytes } = event;
  const waiting = line.waiting.filter(({ asksAgainAtMs }) => asksAgainAtMs + graceMs > nowMs);
  if (served.some((one) => one.who === who)) return { line: { served, waiting }, answer: { kind: "admitted" } };

  const at = waiting.findIndex((one) => one.who === who);
  const ahead = at < 0 ? waiting : waiting.slice(0, at);
  const bytesAhead = sum(served.map(({ bytesLeft }) => bytesLeft)) + sum(ahead.map((one) => one.bytes));
  // One fetch is always allowed, even if the uplink is slower than that.
  if (bytesAhead === 0 || bytesAhead + bytes <= bytesPerSecond * windowSeconds)
    return {
      line: {
        served: [...served, { who, bytesLeft: bytes, untilMs: nowMs + servedMs }],
        waiting: waiting.filter((one) => one.who !== who),
      },
      answer: { kind: "admitted" },
    };
  const estimatedSeconds = Math.max(1, Math.ceil(bytesAhead / bytesPerSecond));
  const retryAfterSeconds = Math.min(estimatedSeconds, longestWaitSeconds);
  const place: Waiting = { who, bytes, asksAgainAtMs: nowMs + retryAfterSeconds * 1000 };
  const behind = at < 0 ? [] : waiting.slice(at + 1);
  return {
    line: { served, waiting: ahead.length < lineLimit ? [...ahead, place, ...behind] : waiting },
    answer: { kind: "wait", position: ahead.length + 1, estimatedSeconds, retryAfterSeconds },
  };
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
