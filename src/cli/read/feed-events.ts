import { createInterface } from "node:readline";

/** One server-sent event (HTML Standard §9.2). */
export type FeedEvent = { readonly id: string; readonly event: string; readonly data: string };

/** The events in a stream of text, without comments and events without data. */
export async function* readEvents(input: NodeJS.ReadableStream): AsyncGenerator<FeedEvent, void, undefined> {
  let id = "";
  let event = "message";
  let data: string[] = [];
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "") {
      if (data.length > 0) yield { id, event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
}
