import * as os from "os";
import { decodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { writeToDescriptor } from "../../system/files.ts";
import type { ObjectCache } from "./object-cache.ts";

/** Larger contents go through a file, to keep memory for the many small ones. */
const maxMemoryBytes = 4 << 20;
/** `HEX LENGTH`: 128 digits, a space, at most 16 digits. */
const maxHeadBytes = 150;

/** Receives the pieces of an answer of `POST /objects` and stores each content when it is complete. */
export type ObjectSink = {
  readonly take: (piece: Uint8Array) => void;
  /** Number of contents stored. */
  readonly stored: () => number;
  /** Closes the open file; throws if a content is incomplete or missing. */
  readonly end: () => void;
  readonly abort: () => void;
};

/** One content on its way into the cache. */
type Collector = {
  readonly take: (part: Uint8Array) => void;
  readonly store: () => void;
  readonly abort: () => void;
};

/** The contents must arrive in the requested order. */
export function objectSink(cache: ObjectCache, wanted: readonly Content[]): ObjectSink {
  const head = headLine();
  let current: { readonly content: Content; readonly collector: Collector; filledBytes: number } | undefined;
  let stored = 0;

  function begin(line: string): void {
    const content = wanted[stored];
    if (content === undefined || line !== `${content.sha512} ${content.size}`) {
      throw new Error(`object server: expected ${content?.sha512 ?? "the end"}, found ${JSON.stringify(line)}`);
    }
    const collect = content.size <= maxMemoryBytes ? collectInMemory : collectInFile;
    current = { content, collector: collect(cache, content), filledBytes: 0 };
  }
  /** Returns how many bytes of the piece it used. */
  function takeSome(piece: Uint8Array): number {
    if (current === undefined) {
      const { used, line } = head.take(piece);
      if (line !== undefined) begin(line);
      return used;
    }
    const { content, collector } = current;
    const part = piece.subarray(0, content.size - current.filledBytes);
    collector.take(part);
    current.filledBytes += part.length;
    if (current.filledBytes === content.size) {
      current = undefined;
      collector.store();
      stored += 1;
    }
    return part.length;
  }
  function abort(): void {
    current?.collector.abort();
    current = undefined;
  }

  return {
    take: (piece) => {
      for (let offset = 0; offset < piece.length; ) offset += takeSome(piece.subarray(offset));
    },
    stored: () => stored,
    abort,
    end: () => {
      const open = current !== undefined || !head.isEmpty();
      abort();
      if (open || stored < wanted.length)
        throw new Error(`object server: expected ${wanted.length} objects, found ${stored}`);
    },
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

function collectInMemory(cache: ObjectCache, { sha512, size }: Content): Collector {
  const bytes = new Uint8Array(size);
  let filled = 0;
  return {
    take: (part) => {
      bytes.set(part, filled);
      filled += part.length;
    },
    store: () => cache.addBytes(sha512, bytes),
    abort: () => {},
  };
}

function collectInFile(cache: ObjectCache, { sha512 }: Content): Collector {
  const draft = cache.openDraft();
  return {
    take: (part) => writeToDescriptor(draft.fd, part, `write ${draft.path}`),
    store: () => cache.addDraft(sha512, draft),
    abort: () => {
      os.close(draft.fd);
    },
  };
}
