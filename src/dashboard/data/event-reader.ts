/** One event of a stream of server-sent events (HTML Standard §9.2). */
export type StreamEvent = { readonly id: string; readonly event: string; readonly data: string };

/** The largest unfinished event; a longer one does not come from our server. */
const longest = 16 * 1024 * 1024;

/** Reads events from pieces of text: a piece may end anywhere, also inside an event. */
export class EventReader {
  #rest = "";

  /** The events that this piece completes; comments are left out. Throws for an event beyond reason. */
  take(piece: string): StreamEvent[] {
    const blocks = (this.#rest + piece).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > longest) throw new Error("an event of the feed is longer than 16 MiB");
    return blocks.flatMap(eventIn);
  }
}

function eventIn(block: string): StreamEvent[] {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return [];
  return [{ id: fields.get("id") ?? "", event: fields.get("event") ?? "message", data }];
}
