/** A stream that is passed on, whose newest part can be read again; all offsets count from its start. */
export type Tap = {
  readonly pieces: () => AsyncGenerator<Uint8Array>;
  /** Bytes passed on so far. */
  readonly received: () => number;
  /** The error of the source, if it failed. */
  readonly failure: () => Error | undefined;
  /** Allows to forget everything before this offset, whether it has arrived or not. */
  readonly forgetBefore: (offset: number) => void;
  /** The bytes from `from`, which must not be forgotten, up to `to` or the last received byte. */
  readonly between: (from: number, to: number) => Buffer;
};

/** Taps a source. Memory: the bytes that are not forgotten, and one piece. */
export function openTap(source: AsyncIterable<Uint8Array>): Tap {
  const kept: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let received = 0;
  let needed = 0;
  let failure: Error | undefined;

  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of source) {
        if (received + bytes.length > needed) kept.push({ offset: received, bytes });
        received += bytes.length;
        yield bytes;
      }
    } catch (cause) {
      failure = cause instanceof Error ? cause : new Error(String(cause));
      throw cause;
    }
  }

  function forgetBefore(offset: number): void {
    needed = offset;
    while (kept[0] !== undefined && kept[0].offset + kept[0].bytes.length <= offset) kept.shift();
  }

  function between(from: number, to: number): Buffer {
    const parts = kept.map(({ offset, bytes }) => bytes.subarray(Math.max(0, from - offset), Math.max(0, to - offset)));
    return Buffer.concat(parts);
  }

  return { pieces, received: () => received, failure: () => failure, forgetBefore, between };
}
