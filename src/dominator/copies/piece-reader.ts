/** Reads lines and counted bytes from a stream of pieces. */
export type PieceReader = {
  /** The next line, without its end. */
  readonly line: (mostBytes: number) => Promise<string>;
  /** The next bytes, exactly this number. They must be read to their end before anything else. */
  readonly bytes: (count: number) => AsyncIterable<Uint8Array>;
};

/** Opens a reader. It throws where the stream ends before what is read. */
export function pieceReader(pieces: AsyncIterable<Uint8Array>): PieceReader {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Uint8Array = Buffer.alloc(0);
  const next = async (): Promise<Uint8Array> => {
    const piece = await iterator.next();
    if (piece.done === true) throw new Error("the answer ended too early");
    return piece.value;
  };
  return {
    line: async (mostBytes) => {
      for (;;) {
        const end = rest.indexOf(0x0a);
        if (end > mostBytes || (end < 0 && rest.length > mostBytes))
          throw new Error(`expected a line of at most ${mostBytes} bytes, found a longer one`);
        if (end >= 0) {
          const line = Buffer.from(rest.subarray(0, end)).toString("latin1");
          rest = rest.subarray(end + 1);
          return line;
        }
        rest = Buffer.concat([rest, await next()]);
      }
    },
    bytes: async function* (count) {
      for (let left = count; left > 0; ) {
        if (rest.length === 0) rest = await next();
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        if (piece.length > 0) yield piece;
      }
    },
  };
}
