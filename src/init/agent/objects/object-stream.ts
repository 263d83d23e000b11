import { decodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { ObjectCache } from "./object-cache.ts";

/** `HEX LENGTH`: 128 digits, a space, at most 16 digits. */
const maxHeadBytes = 150;

/** Receives the pieces of an answer of `POST /objects`, and passes the contents on to the cache. */
export type ObjectSink = {
  /** Throws if the answer is another one than expected, or a content of it damaged, forged or not to be written. */
  readonly take: (piece: Uint8Array) => void;
  /** Waits until everything that arrived is stored, and returns how many contents from the first on are; throws as `take`. */
  readonly end: () => number;
};

/** The contents must arrive in the requested order. `source` says who sends them. */
export function objectSink(cache: ObjectCache, wanted: readonly Content[], source: string): ObjectSink {
  const head = headLine();
  const reception = cache.receive(wanted, { source, begunBytes: 0 });
  let next = 0;
  let leftBytes = 0;

  function begin(line: string): void {
    const content = wanted[next];
    if (content === undefined || line !== `${content.sha512} ${content.size}`) {
      throw new Error(`object server: expected ${content?.sha512 ?? "the end"}, found ${JSON.stringify(line)}`);
    }
    next += 1;
    leftBytes = content.size;
  }
  /** Returns how many bytes of the piece it used. */
  function takeSome(piece: Uint8Array): number {
    if (leftBytes === 0) {
      const { used, line } = head.take(piece);
      if (line !== undefined) begin(line);
      return used;
    }
    const part = piece.subarray(0, leftBytes);
    reception.take(part);
    leftBytes -= part.length;
    return part.length;
  }
  return {
    take: (piece) => {
      for (let offset = 0; offset < piece.length; ) offset += takeSome(piece.subarray(offset));
    },
    end: reception.end,
  };
}

/** Collects the line before a content, which may arrive in several pieces. */
function headLine() {
  let head = new Uint8Array(0);
  return {
    isEmpty: () => head.length === 0,
    take: (piece: Uint8Array): { readonly used: number; readonly line?: string } => {
      const end = piece.indexOf(10);
      const part = piece.subarray(0, end < 0 ? piece.length : end);
      if (head.length + part.length > maxHeadBytes)
        throw new Error("object server: expected a list of objects, found another answer");
      const longer = new Uint8Array(head.length + part.length);
      longer.set(head);
      longer.set(part, head.length);
      head = end < 0 ? longer : new Uint8Array(0);
      return end < 0 ? { used: piece.length } : { used: end + 1, line: decodeUtf8(longer) };
    },
  };
}
