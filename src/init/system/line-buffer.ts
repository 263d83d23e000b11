import { textFromBytes } from "../../core/bytes/text.ts";

/** A blocking connection: `read` returns the count of bytes, 0 at the end; both throw when the connection fails. */
export type ByteStream = {
  readonly read: (buffer: Uint8Array, offset: number, length: number) => number;
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => void;
};

const bufferBytes = 1 << 18;

/** Reads lines and counted bytes from a stream, through a buffer of fixed size. `what` names the part in an error. */
export type LineBuffer = {
  /** Whether a byte was received since `restart`; bytes that were left then count, too. */
  readonly hasBegun: () => boolean;
  readonly restart: () => void;
  /** A line without its end; throws if it is longer than the limit or incomplete. */
  readonly line: (what: string, limit: number) => string;
  /** Passes on this count of bytes, piece by piece; a piece is valid only until the callback returns. */
  readonly pass: (count: number, onBytes: (bytes: Uint8Array) => void) => void;
  /** Passes on everything until the end of the stream. */
  readonly passAll: (onBytes: (bytes: Uint8Array) => void) => void;
};

/** Opens a buffer on a stream. */
export function lineBuffer(stream: ByteStream): LineBuffer {
  const buffer = new Uint8Array(bufferBytes);
  let start = 0;
  let end = 0;
  let begun = false;

  function fill(): boolean {
    if (start === end) start = end = 0;
    else if (end === buffer.length) {
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    const count = stream.read(buffer, end, buffer.length - end);
    end += count;
    if (count > 0) begun = true;
    return count > 0;
  }
  function mustFill(what: string): void {
    if (!fill()) throw new Error(`the server closed the connection in the middle of ${what}`);
  }
  function line(what: string, limit: number): string {
    for (let from = start; ; ) {
      const at = buffer.subarray(0, end).indexOf(10, from);
      if (at >= 0) {
        const text = textFromBytes(buffer.subarray(start, at)).replace(/\r$/, "");
        start = at + 1;
        return text;
      }
      const length = end - start;
      if (length > limit) throw new Error(`expected ${what} of at most ${limit} bytes, found a longer one`);
      mustFill(what);
      from = start + length;
    }
  }
  function pass(count: number, onBytes: (bytes: Uint8Array) => void): void {
    for (let left = count; left > 0; ) {
      if (start === end) mustFill("a body");
      const piece = buffer.subarray(start, Math.min(end, start + left));
      start += piece.length;
      left -= piece.length;
      onBytes(piece);
    }
  }
  function passAll(onBytes: (bytes: Uint8Array) => void): void {
    while (start < end || fill()) pass(end - start, onBytes);
  }
  const restart = () => {
    begun = start < end;
  };
  return { hasBegun: () => begun, restart, line, pass, passAll };
}
