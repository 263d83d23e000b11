import { setImmediate as nextTurn } from "node:timers/promises";

/** What is made at once of a long text; the packets that came meanwhile are answered before more is made. */
const sliceCharacters = 64 * 1024;
/** Records that are looked at in one turn of the event loop: about a millisecond. */
const sliceRecords = 2000;

/** The text of all parts in larger pieces, with a turn of the event loop between them: exporting a large fleet must not stop DHCP. */
export async function* slicesOf(parts: Iterable<string>): AsyncGenerator<string, void, undefined> {
  let slice = "";
  for (const part of parts) {
    slice += part;
    if (slice.length < sliceCharacters) continue;
    yield slice;
    slice = "";
    await nextTurn();
  }
  if (slice !== "") yield slice;
}

/** The same as the body of an answer; whoever stops reading stops the making. */
export function streamOf(parts: Iterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(slicesOf(parts)).pipeThrough(new TextEncoderStream());
}

/** Does something with each record, with a turn of the event loop after every few. */
export async function forEachInTurns<T>(records: readonly T[], act: (record: T) => void): Promise<void> {
  for (let start = 0; start < records.length; start += sliceRecords) {
    if (start > 0) await nextTurn();
    for (const record of records.slice(start, start + sliceRecords)) act(record);
  }
}
