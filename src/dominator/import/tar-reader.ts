import { pipeline } from "node:stream";
import { type Extract, extract } from "tar-stream";
import type { PaxRecords } from "./pax.ts";
import { readGap, tarBlock } from "./tar-gap.ts";
import { memberHeader, requireShareable, type TarHeader } from "./tar-member.ts";
import { openTap, type Tap } from "./tar-tap.ts";

/** A member of an archive. Its content must be read, or skipped, before the next member is requested. */
export type TarMember = {
  readonly header: TarHeader;
  readonly content: AsyncIterable<Uint8Array>;
  /** Where the content begins in the archive. */
  readonly offset: number;
};

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

/**
 * The library's types lack the last two. Latin-1 keeps each byte of a name; an unknown format means archives from
 * before POSIX.
 */
const parserOptions = { highWaterMark: 1 << 18, filenameEncoding: "latin1", allowUnknownFormat: true };

/**
 * Reads a tar archive (ustar, pax, GNU long names and numbers, and before POSIX) as a stream, up to its end mark. The
 * library parses it; its raw header blocks are then checked for faults that the library ignores: names that are not
 * UTF-8, binary attributes, a missing end mark.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const tap = openTap(source);
  const parser = extract(parserOptions);
  // A failure also ends the loop below.
  pipeline(tap.pieces, parser, () => undefined);
  let inherited: PaxRecords = new Map();
  let last: Last = { path: "", end: 0 };
  try {
    const entries = parser[Symbol.asyncIterator]();
    for (;;) {
      const next = await entries.next().catch((cause: unknown) => demandEnd(tap, last, cause));
      if (next === undefined) return;
      if (next.done === true) return void demandEnd(tap, last);
      const entry = next.value;
      const start = entry.offset + tarBlock;
      const gap = readGap(tap.between(last.end, start));
      if (gap.kind !== "member") return;
      requireShareable(gap.global);
      inherited = new Map([...inherited, ...gap.global]);
      const header = memberHeader(entry.header, gap, inherited);
      last = { path: header.path, end: start + Math.ceil(header.size / tarBlock) * tarBlock };
      tap.forgetBefore(last.end);
      yield { header, content: contentOf(entry, tap, last), offset: start };
      entry.resume();
    }
  } finally {
    parser.destroy();
  }
}

/** The last member read, and the end of its content with padding. */
type Last = { readonly path: string; readonly end: number };

async function* contentOf(entry: Entry, tap: Tap, last: Last): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of entry) if (piece instanceof Uint8Array) yield piece;
  } catch (cause) {
    demandEnd(tap, last, cause);
  }
}

/** Throws the fault unless the archive has its end mark after the last member; anything after it is ignored. */
function demandEnd(tap: Tap, { path, end }: Last, cause?: unknown): undefined {
  const failure = tap.failure();
  if (failure !== undefined) throw failure;
  if (tap.received() < end)
    throw new Error(`the archive is truncated: it ends within ${path}; copy or make it again`, { cause });
  switch (readGap(tap.between(end, tap.received())).kind) {
    case "endMark":
      return undefined;
    case "cut":
      throw new Error("the archive is truncated: it ends before its end mark; copy or make it again", { cause });
    case "member":
      throw new Error(
        "a tar header has a wrong checksum; the archive is damaged, or is not a tar archive; copy or make it again",
        { cause },
      );
  }
}
