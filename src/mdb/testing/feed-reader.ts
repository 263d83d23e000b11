import assert from "node:assert/strict";

/** Reads events of a stream one by one: its id, its kind and its data. */
export function readerOf(stream: ReadableStream<Uint8Array> | undefined) {
  assert.ok(stream !== undefined, "this caller has as many watchers as it may");
  const chunks = stream.getReader();
  const raw: Uint8Array[] = [];
  let text = "";
  const next = async (): Promise<{ id: string; event: string; data: ReturnType<typeof JSON.parse> } | undefined> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
        if (field("data") !== "") return { id: field("id"), event: field("event"), data: JSON.parse(field("data")) };
        continue;
      }
      const { done, value } = await chunks.read();
      if (done) return undefined;
      raw.push(value);
      text += Buffer.from(value).toString();
    }
  };
  const take = async (count: number) => {
    const events = [];
    for (let n = 0; n < count; n += 1) events.push((await next()) ?? assert.fail("the feed ended"));
    return events;
  };
  return { next, take, raw, cancel: () => chunks.cancel() };
}
