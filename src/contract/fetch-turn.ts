/**
 * An agent's turn at the uplink: before it fetches its image, and while it does, it says over TLS how much it fetches and how much it
 * has (`paths.fetchTurn`). A server without turns answers 404, and the agent fetches at once.
 */
import * as v from "valibot";
import type { FetchTurn } from "../core/uplink/fetch-turn.ts";
import { count, endpoint, text } from "./bounded-values.ts";
import { protocolNumber } from "./protocol.ts";
import { pinned } from "./same.ts";
import { serving } from "./serving.ts";

export const fetchTurnRequest = v.object({
  protocol: protocolNumber,
  machineId: text,
  /** What it fetches in all, and what of it is there and verified. */
  totalBytes: count,
  doneBytes: count,
  /** The port at which it serves other machines what it has verified; absent if it does not. */
  peerPort: v.exactOptional(v.pipe(count, v.minValue(1), v.maxValue(65_535))),
  /** Machines from which it got nothing, or wrong contents, since it asked last. */
  failedPeers: v.exactOptional(v.pipe(v.array(text), v.maxLength(16))),
  /** The speed of its link. */
  linkMbps: v.exactOptional(v.pipe(count, v.minValue(1), v.maxValue(10_000_000))),
});
export type FetchTurnRequest = v.InferOutput<typeof fetchTurnRequest>;

const source = v.object({
  machineId: text,
  endpoint,
  bytesPerSecond: v.exactOptional(v.pipe(count, v.minValue(1))),
  atOnce: v.exactOptional(v.literal(true)),
});

export const fetchTurn = v.variant("kind", [
  v.object({
    kind: v.literal("go"),
    reportSeconds: count,
    sources: v.exactOptional(v.pipe(v.array(source), v.maxLength(16))),
    ...serving,
    peerKeys: v.exactOptional(serving.peerKeys),
  }),
  v.object({ kind: v.literal("wait"), seconds: count, reason: text }),
  v.object({ kind: v.literal("abandon"), reason: text }),
]);

pinned<FetchTurn>()(fetchTurn);
