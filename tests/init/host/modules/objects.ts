import { createHash, type Hash } from "node:crypto";
import type * as Native from "host";
import { currentKernel } from "../current.ts";
import { numberOf, textOf } from "../system/errno.ts";
import { appendAt, createAt, hashOf, makeDirectoryAt, openBeneath, openRoot, removeAt, renameAt } from "./beneath.ts";
import { close, write } from "./os.ts";

/**
 * Fetched contents, on the fake host: the functions of host-objects.c, without threads. What a content lacks shows when the next bytes are
 * fed, or at the end.
 */

type Content = { readonly sha512: string; readonly size: number };
type Open = { readonly fd: number; readonly directory: number; readonly hash: Hash; filled: number };
type Session = {
  readonly directory: number;
  readonly contents: readonly Content[];
  stored: number;
  isFailed?: boolean;
  open?: Open;
};
type Kept = {
  readonly content: Content;
  readonly open: Open;
  readonly kernel: ReturnType<typeof currentKernel>;
  readonly process: number;
};

/** A machine has one; it is gone with the power. */
let session: Session | undefined;
let kept: Kept | undefined;
let forged = "";

function demand(result: number, { sha512 }: Content): number {
  if (result >= 0) return result;
  throw new Error(`write object ${sha512.slice(0, 16)}…: ${textOf(-result)}`);
}

function begin({ directory }: Session, content: Content): Open {
  const part = content.sha512.slice(0, 2);
  const rest = content.sha512.slice(2);
  const made = makeDirectoryAt(directory, part, 0o700);
  if (made !== -numberOf("EEXIST")) demand(made, content);
  const place = demand(Number(openBeneath(directory, part, "place")), content);
  const draft = `${rest}.new0`;
  removeAt(place, draft, false);
  return { fd: demand(createAt(place, draft), content), directory: place, hash: createHash("sha512"), filled: 0 };
}

function drop(open: Open, { sha512 }: Content): void {
  close(open.fd);
  removeAt(open.directory, `${sha512.slice(2)}.new0`, false);
  close(open.directory);
}

/** Takes bytes of the content that is next; returns how many it took. */
function take(current: Session, content: Content, bytes: Uint8Array): number {
  current.open ??= begin(current, content);
  const { open } = current;
  const part = bytes.slice(0, content.size - open.filled);
  for (let done = 0; done < part.length; )
    done += demand(Number(write(open.fd, part.buffer as ArrayBuffer, done, part.length - done)), content);
  open.hash.update(part);
  open.filled += part.length;
  if (open.filled < content.size) return part.length;
  delete current.open;
  const found = open.hash.digest("hex");
  if (found !== content.sha512) {
    drop(open, content);
    forged = content.sha512;
    throw new Error(
      `fetched object: expected SHA-512 ${content.sha512.slice(0, 16)}…, found ${found.slice(0, 16)}…; it is damaged or forged`,
    );
  }
  close(open.fd);
  const rest = content.sha512.slice(2);
  demand(Number(renameAt(open.directory, `${rest}.new0`, open.directory, rest, true)), content);
  close(open.directory);
  current.stored += 1;
  return part.length;
}

/** What is kept, unless its process or its machine is gone. */
function keptNow(): Kept | undefined {
  const kernel = currentKernel();
  return kept?.kernel === kernel && kept.process === kernel.cpu.current() ? kept : undefined;
}

export const objectsKept: typeof Native.objectsKept = (sha512) => {
  const found = keptNow();
  return found?.content.sha512 === sha512 ? found.open.filled : 0;
};
export const objectsForged: typeof Native.objectsForged = () => forged;
export const objectsForget: typeof Native.objectsForget = () => {
  const found = keptNow();
  kept = undefined;
  if (found !== undefined) drop(found.open, found.content);
};

export const objectsAdopt: typeof Native.objectsAdopt = (directory, sha512, draft, bytes, state) => {
  const found = keptNow();
  kept = undefined;
  const content = { sha512, size: Number.POSITIVE_INFINITY };
  const isSame = found?.content.sha512 === sha512;
  if (found !== undefined && !isSame) drop(found.open, found.content);
  const [part = "", name = ""] = draft.split("/");
  const place = demand(Number(openBeneath(directory, part, "place")), content);
  const fresh = `${sha512.slice(2)}.new0`;
  if (name !== fresh) demand(Number(renameAt(place, name, place, fresh, true)), content);
  const fd = demand(Number(appendAt(place, fresh)), content);
  const hash = hashOf(state);
  if (hash === undefined) throw new Error("objectsAdopt: expected the state of a hash");
  const kernel = currentKernel();
  kept = { content, open: { fd, directory: place, hash, filled: bytes }, kernel, process: kernel.cpu.current() };
};

export const objectsBegin: typeof Native.objectsBegin = (directory, text, begunBytes) => {
  const contents = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ sha512: line.slice(0, 128), size: Number(line.slice(129)) }));
  const { files, cpu } = currentKernel();
  // A descriptor of its own: the caller closes the other.
  const own = openRoot(files.get(cpu.current(), directory).about);
  forged = "";
  const open = begunBytes > 0 && contents[0]?.sha512 === kept?.content.sha512 ? kept?.open : undefined;
  if (begunBytes !== (open?.filled ?? 0)) throw new Error("objectsBegin: expected the number of bytes that are kept");
  if (open === undefined) objectsForget();
  kept = undefined;
  session = { directory: own, contents, stored: 0, ...(open === undefined ? {} : { open }) };
};

export const objectsFeed: typeof Native.objectsFeed = (buffer, offset, length) => {
  const current = session;
  if (current === undefined) throw new Error("objectsFeed: no session is open");
  const bytes = new Uint8Array(buffer, offset, length);
  for (let at = 0; at < length; ) {
    const content = current.contents[current.stored];
    if (content === undefined)
      throw new Error(`object server: expected ${current.contents.length} objects, found more bytes`);
    current.isFailed = true;
    at += take(current, content, bytes.subarray(at));
    current.isFailed = false;
  }
};

export const objectsEnd: typeof Native.objectsEnd = () => {
  const current = session;
  if (current === undefined) throw new Error("objectsEnd: no session is open");
  session = undefined;
  close(current.directory);
  const content = current.contents[current.stored];
  if (current.open === undefined || content === undefined) return current.stored;
  const kernel = currentKernel();
  if (current.isFailed) drop(current.open, content);
  else kept = { content, open: current.open, kernel, process: kernel.cpu.current() };
  return current.stored;
};
