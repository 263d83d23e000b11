import { createHmac } from "node:crypto";

const periodMs = 3_600_000;

/**
 * The keys by which machines know each other at this time, in hex: that of this hour, and that of the one before, because
 * machines hear of a new one only when they next say how far they are. All servers of a database have the same.
 */
export function peerKeysAt(secret: string, nowMs: number): readonly [present: string, former: string] {
  const period = Math.floor(nowMs / periodMs);
  const key = (number: number) => createHmac("sha256", secret).update(`peers ${number}`).digest("hex");
  return [key(period), key(period - 1)];
}
