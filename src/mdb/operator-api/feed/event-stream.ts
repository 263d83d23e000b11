import { viewChange } from "../../../contract/operator/views.ts";
import type { PastChange } from "../../../core/ports.ts";
import { jsonText } from "../../http/json-answer.ts";

/** How long a client should wait before it reconnects. */
const retryMs = 2000;

const encoder = new TextEncoder();

/** A comment, which clients ignore (HTML Standard §9.2.6). */
export const heartbeat = encoder.encode(":\n\n");

/** A change as an event of the feed. */
export function eventOf(change: PastChange): Uint8Array {
  return encoder.encode(`id: ${change.position}\nevent: change\ndata: ${jsonText(viewChange(change))}\n\n`);
}

/** The first event: the position at which this watcher starts, so that it can reconnect before any change. */
export function positionOf(position: number): Uint8Array {
  return encoder.encode(
    `retry: ${retryMs}\nid: ${position}\nevent: position\ndata: ${JSON.stringify({ position })}\n\n`,
  );
}

/** The event that older changes are no longer known, so that the client has to read the fleet again. */
export function resetOf(position: number, oldest: number): Uint8Array {
  return encoder.encode(`id: ${position}\nevent: reset\ndata: ${JSON.stringify({ position, oldest })}\n\n`);
}
