import { viewChange } from "../contract/operator.ts";
import type { Change, Store } from "../core/ports.ts";

const encoder = new TextEncoder();
/** The line of a change, made once for all readers: a thousand of them get the same bytes. */
const lines = new WeakMap<Change, Uint8Array>();

function lineOf(change: Change): Uint8Array {
  const known = lines.get(change);
  if (known !== undefined) return known;
  const line = encoder.encode(`${JSON.stringify(viewChange(change))}\n`);
  lines.set(change, line);
  return line;
}

/** Lines that may wait for a reader that does not read; beyond that it is cut off rather than fill the memory. */
const unreadLimit = 10_000;

/** The change feed: every change from now on as one JSON object a line. Begins with an empty line, so that a reader knows it is connected. */
export function changeStream(store: Store): ReadableStream<Uint8Array> {
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
          controller.enqueue(lineOf(change));
        });
        controller.enqueue(encoder.encode("\n"));
      },
      cancel: () => end(),
    },
    { highWaterMark: unreadLimit },
  );
}
