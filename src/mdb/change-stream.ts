import { viewChange } from "../contract/operator.ts";
import type { Store } from "../core/ports.ts";

/** Lines that may wait for a reader that does not read; beyond that it is cut off rather than fill the memory. */
const unreadLimit = 10_000;

/** The change feed: every change from now on as one JSON object a line. Begins with an empty line, so that a reader knows it is connected. */
export function changeStream(store: Store): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let end = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        end = store.watch((change) => {
          if ((controller.desiredSize ?? 0) <= 0) {
            end();
            controller.error(new Error(`the reader is ${unreadLimit} changes behind`));
            return;
          }
          controller.enqueue(encoder.encode(`${JSON.stringify(viewChange(change))}\n`));
        });
        controller.enqueue(encoder.encode("\n"));
      },
      cancel: () => end(),
    },
    { highWaterMark: unreadLimit },
  );
}
