import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Problem } from "../../contract/problem.ts";
import { announcedSize } from "../../core/http/announced-size.ts";

/**
 * Refuses bodies of more than `maxSize` bytes. Of one that announces its length, Node reads no more; so it is not touched here:
 * Hono's own limit makes a stream of it, which costs more than reading it.
 */
export function limitBody(maxSize: number): MiddlewareHandler {
  const tooLarge: Problem = {
    kind: "tooLarge",
    title: "the body is too large",
    detail: `body: expected at most ${maxSize} bytes, found more`,
    next: "the agent and the server have different versions; rebirth the machine, or update the server",
  };
  const onError = (context: Context) => context.json(tooLarge, 413);
  const readWhole = bodyLimit({ maxSize, onError });
  return async (context, next) => {
    const announced = announcedSize((name) => context.req.header(name));
    if (announced === undefined) return await readWhole(context, next);
    return announced > maxSize ? onError(context) : await next();
  };
}
