// Contents on their way into the cache: lists of every form, sizes around those of the buffers, cut, forged and too much.
import * as host from "host";
import * as os from "os";
import * as std from "std";
import { decodeUtf8 } from "../../../src/core/bytes/utf8.ts";
import { removeTree } from "../../../src/init/system/files.ts";
import { sha512Bytes } from "../../../src/init/system/sha512.ts";

const directory = `${std.getenv("FUZZ_SCRIPT")}.objects`;

Object.assign(globalThis, { take });

type Bytes = { readonly next: () => number; readonly rest: () => Uint8Array };

function reader(bytes: Uint8Array): Bytes {
  let at = 0;
  return { next: () => bytes[at++] ?? 0, rest: () => bytes.subarray(at) };
}

/** A content of up to 2.6 MB that repeats some bytes; a buffer has 1 MiB. */
function contentOf({ next }: Bytes): Uint8Array {
  const size = 1 + next() + next() * 256 * 40;
  const seed = next();
  const bytes = new Uint8Array(size).fill(seed);
  for (let at = 0; at < size; at += 4099) bytes[at] = (at + seed) & 255;
  return bytes;
}

/** Calls for one input: an input of single bytes would take minutes in an interpreter, and say no more. */
const mostFeeds = 4096;

function feed(bytes: Uint8Array, wanted: number): void {
  const step = Math.max(wanted, Math.ceil(bytes.length / mostFeeds));
  for (let at = 0; at < bytes.length; at += step)
    host.objectsFeed(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, Math.min(step, bytes.length - at));
}

/** What is stored must be what arrived: every other result is a fault of the program, and no refusal. */
function store(top: number, input: Bytes): void {
  const contents = Array.from({ length: 1 + (input.next() % 6) }, () => contentOf(input));
  const forged = input.next();
  const cut = input.next() * 4096;
  const step = 1 + input.next() * 1024 + input.next();
  const isForged = contents[forged] !== undefined;
  const whole = contents.reduce((sum, content) => sum + content.length, 0);
  const sent = new Uint8Array(Math.max(0, whole - cut));
  let ends = 0;
  let complete = 0;
  host.objectsBegin(top, contents.map((content) => `${sha512Bytes(content)} ${content.length}\n`).join(""), 0);
  let error: unknown;
  try {
    for (const [index, content] of contents.entries()) {
      const bytes = content.slice();
      if (index === forged) bytes[0] = (bytes[0] ?? 0) ^ 1;
      sent.set(bytes.subarray(0, Math.max(0, sent.length - ends)), Math.min(ends, sent.length));
      ends += content.length;
      if (ends <= sent.length) complete += 1;
    }
    feed(sent, step);
  } catch (fault) {
    error ??= fault;
  }
  let stored = -1;
  try {
    stored = host.objectsEnd();
  } catch (fault) {
    error ??= fault;
  }
  if (error !== undefined ? !isForged || forged >= complete : stored !== complete || (isForged && forged < complete))
    throw `expected ${complete} of ${contents.length} contents, found ${stored}, error ${error}, forged ${forged}`;
}

function take(input: ArrayBuffer): void {
  const bytes = reader(new Uint8Array(input));
  removeTree(directory);
  os.mkdir(directory, 0o700);
  const top = host.openRoot(directory);
  try {
    if (bytes.next() % 4 > 0) store(top, bytes);
    else {
      host.objectsBegin(top, decodeUtf8(bytes.rest()), 0);
      host.objectsEnd();
    }
  } finally {
    os.close(top);
  }
}
