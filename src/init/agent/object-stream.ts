import * as os from "os";
import { decodeUtf8 } from "../../core/bytes/utf8.ts";
import type { Content } from "../../core/image/update/difference.ts";
import { checked } from "../system/errno.ts";
import { writeToDescriptor } from "../system/files.ts";
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

type Collecting =
  | { readonly kind: "head" }
  | { readonly kind: "memory"; readonly content: Content; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly content: Content; readonly path: string; readonly fd: number };

/** The contents must arrive in the requested order. */
export function objectSink(cache: ObjectCache, wanted: readonly Content[]): ObjectSink {
  let state: Collecting = { kind: "head" };
  let head = new Uint8Array(0);
  let filled = 0;
  let stored = 0;

  function takeHead(piece: Uint8Array): number {
    const end = piece.indexOf(10);
    const part = piece.subarray(0, end < 0 ? piece.length : end);
    if (head.length + part.length > maxHeadBytes)
      throw new Error("object server: expected a list of objects, found another answer");
    const longer = new Uint8Array(head.length + part.length);
    longer.set(head);
    longer.set(part, head.length);
    head = longer;
    if (end < 0) return piece.length;
    begin(decodeUtf8(head));
    head = new Uint8Array(0);
    return end + 1;
  }

  function begin(line: string): void {
    const content = wanted[stored];
    if (content === undefined || line !== `${content.sha512} ${content.size}`) {
      throw new Error(`object server: expected ${content?.sha512 ?? "the end"}, found ${JSON.stringify(line)}`);
    }
    filled = 0;
    if (content.size <= maxMemoryBytes) state = { kind: "memory", content, bytes: new Uint8Array(content.size) };
    else {
      const path = cache.draftPath();
      const fd = checked(`make ${path}`, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600));
      state = { kind: "file", content, path, fd };
    }
  }

  function takeContent(collecting: Exclude<Collecting, { kind: "head" }>, piece: Uint8Array): number {
    const part = piece.subarray(0, collecting.content.size - filled);
    if (collecting.kind === "memory") collecting.bytes.set(part, filled);
    else writeToDescriptor(collecting.fd, part, `write ${collecting.path}`);
    filled += part.length;
    if (filled === collecting.content.size) {
      const { sha512 } = collecting.content;
      state = { kind: "head" };
      if (collecting.kind === "memory") cache.addBytes(sha512, collecting.bytes);
      else {
        os.close(collecting.fd);
        cache.addFile(sha512, collecting.path);
      }
      stored += 1;
    }
    return part.length;
  }

  function abort(): void {
    if (state.kind === "file") os.close(state.fd);
    state = { kind: "head" };
  }

  return {
    take: (piece) => {
      for (let offset = 0; offset < piece.length; ) {
        const rest = piece.subarray(offset);
        offset += state.kind === "head" ? takeHead(rest) : takeContent(state, rest);
      }
    },
    stored: () => stored,
    abort,
    end: () => {
      const open = state.kind !== "head" || head.length > 0;
      abort();
      if (open || stored < wanted.length)
        throw new Error(`object server: expected ${wanted.length} objects, found ${stored}`);
    },
  };
}
