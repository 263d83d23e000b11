import { setImmediate as nextTurn } from "node:timers/promises";

/** Size of the pieces of a long text; pending packets are answered between them. */
const sliceCharacters = 64 * 1024;
/** Records processed in one turn of the event loop: about a millisecond. */
const sliceRecords = 2000;

/**
 * The text of all parts in larger pieces, with a turn of the event loop between them, because exporting a large fleet
 * must not delay DHCP.
 */
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

/** The same as the body of an answer; generation stops when the reader stops. */
export function streamOf(parts: Iterable<string>): ReadableStream<Uint8Array> {
  return ReadableStream.from(slicesOf(parts)).pipeThrough(new TextEncoderStream());
}

/** Processes each record, with a turn of the event loop after every batch. */
export async function forEachInTurns<T>(records: readonly T[], act: (record: T) => void): Promise<void> {
  for (let start = 0; start < records.length; start += sliceRecords) {
    if (start > 0) await nextTurn();
    for (const record of records.slice(start, start + sliceRecords)) act(record);
  }
}
