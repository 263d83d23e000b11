/**
 * Who may fetch the Bootstrap Image now, and who waits in line. A hundred racks that power on at once would share the
 * uplink so thinly that every one of them times out; so only as many are let in as the uplink feeds in a few seconds.
 */

/** One that may fetch: `bytesLeft` are what it has not got yet. */
type Served = { readonly who: string; readonly bytesLeft: number; readonly untilMs: number };
/** One that waits; `asksAgainAtMs` is when it was told to. */
type Waiting = { readonly who: string; readonly bytes: number; readonly asksAgainAtMs: number };

/** The line at a moment, first come first served. */
export type FetchQueue = { readonly served: readonly Served[]; readonly waiting: readonly Waiting[] };

export const emptyFetchQueue: FetchQueue = { served: [], waiting: [] };

export type FetchQueueEvent =
  /** Somebody wants to begin, or to go on, with a fetch of so many bytes in all. */
  | { readonly kind: "asked"; readonly who: string; readonly bytes: number }
  /** So many bytes of it were sent. */
  | { readonly kind: "sent"; readonly who: string; readonly bytes: number };

/** What somebody who asked is told. */
export type FetchAnswer =
  | { readonly kind: "admitted" }
  | {
      readonly kind: "wait";
      /** 1 is the next. */
      readonly position: number;
      readonly estimatedSeconds: number;
      /** When to ask again: at its turn, or earlier, so that its record stays true. */
      readonly retryAfterSeconds: number;
    };

/** As many are let in at once as a full uplink serves in this time: enough to keep it full, few enough for each to be quick. */
const windowSeconds = 4;
/** Who does not finish in this time gives its place away; it may still go on. */
const servedMs = 60_000;
/** Who has not asked again so long after it should have has left the line. */
const graceMs = 5000;
const longestWaitSeconds = 30;
/** More are told to wait as well, but lose their place. */
const lineLimit = 16_384;

/** What becomes of the line when something happens. */
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
  // One is always let in, however small the uplink.
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
 * Whether a client comes back when it is answered 503 with Retry-After. iPXE does (httpcore.c, `http_parse_retry_after`);
 * UEFI's HTTP boot (EDK2 HttpBootDxe takes 503 as an error and tries its next entry), curl and others do not, so they are
 * never put off. The signed GRUB fetches by TFTP and is not counted.
 */
export function obeysRetryAfter(userAgent: string | undefined): boolean {
  return userAgent?.startsWith("iPXE/") ?? false;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
