import { openTurns } from "../turns.ts";

/** Size of the pieces of a long text; pending packets are answered between them. */
const sliceCharacters = 64 * 1024;

/**
 * The text of all parts in larger pieces, with a turn of the event loop between them, because exporting a large fleet
 * must not delay DHCP.
 */
export async function* slicesOf(parts: Iterable<string>): AsyncGenerator<string, void, undefined> {
  const turns = openTurns();
  let slice = "";
  for (const part of parts) {
    slice += part;
    const isFull = slice.length >= sliceCharacters;
    if (isFull) {
      yield slice;
      slice = "";
    }
    // A reader that never waits must not keep packets waiting either.
    if (isFull || turns.isOver()) await turns.next();
  }
  if (slice !== "") yield slice;
}

/** The same as the body of an answer; generation stops when the reader stops. */
export function streamOf(parts: Iterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(slicesOf(parts)).pipeThrough(new TextEncoderStream());
}
