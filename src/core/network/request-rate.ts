import { putNewest } from "../newest.ts";

/** The requests that each address, or each machine, may still send; filled up at a steady rate. */
export type RequestRates = Map<string, Allowance>;

type Allowance = { readonly left: number; readonly atMs: number; readonly saidAtMs?: number };

/** Whether a request is answered; a refusal is to be logged when `say` is set, once a minute for an address. */
export type Admission =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly retryAfterSeconds: number; readonly say: boolean };

/** Default of `maxRequestsPerMinute`: a birth with its image sends about a hundred requests in several minutes. */
export const defaultRequestsPerMinute = 1200;

/** Admits or refuses the request of an address now; main keeps one for all machine-facing ports. */
export type RequestLimit = (address: string) => Admission;

/** The log's message about an address beyond its limit. */
export const tooManyRequests = "an address sends too many requests; further ones are refused for a while";

/** Addresses that are remembered; beyond it the oldest are forgotten. */
const addressLimit = 65_536;
const minuteMs = 60_000;

/** Counts a request of an address at a time, or one that counts as several; `perMinute` may all come at once. */
export function admitRequest(
  rates: RequestRates,
  address: string,
  { perMinute, nowMs, cost = 1 }: { readonly perMinute: number; readonly nowMs: number; readonly cost?: number },
): Admission {
  const before = rates.get(address);
  const gained = before === undefined ? perMinute : ((nowMs - before.atMs) * perMinute) / minuteMs;
  const left = Math.min(perMinute, (before?.left ?? 0) + Math.max(0, gained));
  if (left >= cost) {
    putNewest(rates, [address, { ...before, left: left - cost, atMs: nowMs }], addressLimit);
    return { kind: "admitted" };
  }
  const say = nowMs - (before?.saidAtMs ?? Number.NEGATIVE_INFINITY) >= minuteMs;
  putNewest(rates, [address, { ...before, left, atMs: nowMs, ...(say ? { saidAtMs: nowMs } : {}) }], addressLimit);
  const retryAfterSeconds = Math.max(1, Math.ceil(((cost - left) * minuteMs) / perMinute / 1000));
  return { kind: "refused", retryAfterSeconds, say };
}
