import { decodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { ObjectCache } from "./object-cache.ts";

/** `HEX LENGTH`, or `HEX LENGTH FROM`: 128 digits and twice a space and at most 16 digits. */
const maxHeadBytes = 170;

/** Who sends contents, and how many bytes of the first one are there. */
type Sender = { readonly source: string; readonly begunBytes: number };

/** Receives the pieces of an answer of `POST /objects`, and passes the contents on to the cache. */
export type ObjectSink = {
  /** Throws if the answer is another one than expected, or a content of it damaged, forged or not to be written. */
  readonly take: (piece: Uint8Array) => void;
  /** Waits until everything that arrived is stored, and returns how many contents from the first on are; throws as `take`. */
  readonly end: () => number;
};

/**
 * The contents must arrive in the requested order. `from` says who sends them, and how many bytes of the first one are there: the answer
 * may begin behind them, which its line says then, or at the first byte.
 */
export function objectSink(cache: Pick<ObjectCache, "receive">, wanted: readonly Content[], from: Sender): ObjectSink {
  const head = headLine();
  const reception = cache.receive(wanted, from);
  let next = 0;
  let leftBytes = 0;
  let skipBytes = 0;

  function begin(line: string): void {
    const content = wanted[next];
    const begunBytes = next === 0 ? from.begunBytes : 0;
    const whole = `${content?.sha512} ${content?.size}`;
    const isRest = begunBytes > 0 && line === `${whole} ${begunBytes}`;
    if (content === undefined || (line !== whole && !isRest)) {
      throw new Error(`object server: expected ${content?.sha512 ?? "the end"}, found ${JSON.stringify(line)}`);
    }
    next += 1;
    leftBytes = content.size - (isRest ? begunBytes : 0);
    skipBytes = isRest ? 0 : begunBytes;
  }
  /** Returns how many bytes of the piece it used. */
  function takeSome(piece: Uint8Array): number {
    if (leftBytes === 0) {
      const { used, line } = head.take(piece);
      if (line !== undefined) begin(line);
      return used;
    }
    const part = piece.subarray(0, leftBytes);
    reception.take(part.subarray(skipBytes));
    skipBytes -= Math.min(skipBytes, part.length);
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
