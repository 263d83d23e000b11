/** Clients that recently presented invalid credentials, by address. */
export type FailedAttempts = {
  /** How long this client has to wait; 0 if it may try. */
  readonly waitMs: (client: string, nowMs: number) => number;
  readonly note: (client: string, nowMs: number) => void;
};

/** Number of invalid credentials within a minute after which a client has to wait for the end of that minute. */
export const attemptLimit = 10;
const windowMs = 60_000;
/** Number of addresses remembered; beyond it the oldest are forgotten. */
const clientLimit = 10_000;

/**
 * Counts invalid credentials. Guessing 256 bits is impossible; the limit bounds the work and the log lines that
 * attempts cause.
 */
export function failedAttempts(): FailedAttempts {
  const clients = new Map<string, { count: number; readonly sinceMs: number }>();
  const recent = (client: string, nowMs: number) => {
    const failures = clients.get(client);
    return failures !== undefined && nowMs - failures.sinceMs < windowMs ? failures : undefined;
  };
  return {
    waitMs: (client, nowMs) => {
      const failures = recent(client, nowMs);
      return failures === undefined || failures.count < attemptLimit ? 0 : failures.sinceMs + windowMs - nowMs;
    },
    note: (client, nowMs) => {
      const failures = recent(client, nowMs);
      if (failures !== undefined) {
        failures.count += 1;
        return;
      }
      clients.delete(client);
      clients.set(client, { count: 1, sinceMs: nowMs });
      const [oldest] = clients.size > clientLimit ? clients.keys() : [];
      if (oldest !== undefined) clients.delete(oldest);
    },
  };
}
