import { decodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { ObjectSink } from "../objects/object-stream.ts";
import { lacking } from "./unready.ts";

/** Bytes of a content, from the first up to the one before `to`. */
export type Part = { readonly from: number; readonly to: number };

/** A part that arrives, in memory. */
export type ArrivingPart = ObjectSink & { readonly bytes: Uint8Array };

/** Receives the answer to a request for one content from a byte on: its line, and then bytes until the part is full. */
export function arrivingPart({ sha512, size }: Content, { from, to }: Part): ArrivingPart {
  const bytes = new Uint8Array(to - from);
  const expected = `${sha512} ${size}${from === 0 ? "" : ` ${from}`}\n`;
  let hasLine = false;
  let filled = 0;
  return {
    bytes,
    take: (piece) => {
      if (hasLine) {
        bytes.set(piece, filled);
        filled += piece.length;
        return;
      }
      const line = decodeUtf8(piece);
      // A program of an earlier version begins with the first byte, whatever it is asked for.
      if (line === `${sha512} ${size}\n` && from > 0)
        throw lacking("the peer sends contents from their beginning only");
      if (line !== expected) throw new Error(`expected the bytes from ${from} on, found ${JSON.stringify(line)}`);
      hasLine = true;
    },
    end: () => (filled === bytes.length ? 1 : 0),
  };
}
