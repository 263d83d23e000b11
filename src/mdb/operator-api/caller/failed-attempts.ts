/** Who showed wrong credentials lately, by address. */
export type FailedAttempts = {
  /** How long this client is to wait; 0 if it may try. */
  readonly waitMs: (client: string, nowMs: number) => number;
  readonly note: (client: string, nowMs: number) => void;
};

/** Wrong credentials within a minute after which a client has to wait for the end of that minute. */
export const attemptLimit = 10;
const windowMs = 60_000;
/** Addresses that are remembered; beyond it those that began longest ago are forgotten. */
const clientLimit = 10_000;

/** Counts wrong credentials. Nobody guesses 256 bits: what it bounds is the work and the log lines that guessing causes. */
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
