/**
 * An agent's turn at the uplink: before it fetches its image, and while it does, it says over TLS how much it fetches and how much it
 * has (`paths.fetchTurn`). A server without turns answers 404, and the agent fetches at once.
 */
import * as v from "valibot";
import type { FetchTurn } from "../core/uplink/fetch-turn.ts";
import { protocolNumber } from "./protocol.ts";
import { pinned } from "./same.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(4096));

export const fetchTurnRequest = v.object({
  protocol: protocolNumber,
  machineId: text,
  /** What it fetches in all, and what of it is there and verified. */
  totalBytes: count,
  doneBytes: count,
});
export type FetchTurnRequest = v.InferOutput<typeof fetchTurnRequest>;

export const fetchTurn = v.variant("kind", [
  v.object({ kind: v.literal("go"), reportSeconds: count }),
  v.object({ kind: v.literal("wait"), seconds: count, reason: text }),
  v.object({ kind: v.literal("abandon"), reason: text }),
]);

pinned<FetchTurn>()(fetchTurn);
