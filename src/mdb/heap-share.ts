import { getHeapStatistics } from "node:v8";

/** A part of the largest heap that this process may have (`--max-old-space-size`, or what V8 chose), in bytes. */
export function heapShare(divisor: number): number {
  return Math.floor(getHeapStatistics().heap_size_limit / divisor);
}
