import { randomBytes } from "node:crypto";
import type { Clock, Random } from "../core/ports.ts";

/** The computer's clock. */
export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** The kernel's random numbers. */
export const systemRandom: Random = { bytes: (count) => new Uint8Array(randomBytes(count)) };
