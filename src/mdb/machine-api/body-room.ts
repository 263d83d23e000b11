import type { Context, MiddlewareHandler } from "hono";
import { heapShare } from "../heap-share.ts";
import { faultAnswer } from "../http/problem.ts";

/** A body up to this size needs no room: the usual report of a machine. */
const smallBytes = 32 << 10;
const retryAfterSeconds = 3;

/**
 * Room for the large bodies of all machines together: each needs several times its size of memory until its events are
 * durable. Beyond `limitBytes` further ones are refused with 503 and Retry-After, which init respects. A body without
 * Content-Length counts as `mostBytes`, the size that the route accepts.
 */
export function bodyRoom(mostBytes: number, limitBytes = Math.max(mostBytes, heapShare(32))): MiddlewareHandler {
  let taken = 0;
  return async (context, next) => {
    const announced = context.req.header("content-length");
    const bytes = Math.min(announced === undefined ? mostBytes : Number(announced), mostBytes);
    if (bytes <= smallBytes) return await next();
    if (taken + bytes > limitBytes) return busy(context, limitBytes);
    taken += bytes;
    try {
      await next();
    } finally {
      taken -= bytes;
    }
  };
}

function busy(context: Context, limitBytes: number): Response {
  context.header("retry-after", String(retryAfterSeconds));
  context.header("connection", "close");
  return faultAnswer(
    context,
    "busy",
    `the server reads at most ${limitBytes} bytes of large reports at a time`,
    "retry after the time in Retry-After",
  );
}
