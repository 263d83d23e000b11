// Stores contents as birther-agent does; prints one JSON object. Arguments: directory, random seed.
import * as host from "host";
import * as os from "os";
import { sha512Bytes } from "../../../src/init/system/sha512.ts";

const [, directory = "", seed = ""] = scriptArgs;
let state = Number(seed) >>> 0;

/** The next number of a linear congruential generator (Numerical Recipes), from 0 up to but not including a limit. */
function chance(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function contentOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1 + (size >> 8)) bytes[at] = chance(256);
  return bytes;
}

type Outcome = { readonly stored?: number; readonly error?: string };

/** Feeds contents piece by piece into a directory of its own; `adjust` changes what is fed, not what is announced. */
function store(
  name: string,
  contents: readonly Uint8Array[],
  adjust = (bytes: Uint8Array) => bytes,
  isContinued = false,
): Outcome {
  const path = `${directory}/${name}`;
  const begun = isContinued ? host.objectsKept(sha512Bytes(contents[0] ?? new Uint8Array(0))) : 0;
  os.mkdir(path, 0o700);
  const top = host.openRoot(path);
  let error = "";
  try {
    host.objectsBegin(top, contents.map((bytes) => `${sha512Bytes(bytes)} ${bytes.length}\n`).join(""), begun);
    const whole = new Uint8Array(contents.reduce((sum, bytes) => sum + bytes.length, 0));
    let at = 0;
    for (const bytes of contents) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    const fed = adjust(whole).subarray(begun);
    for (at = 0; at < fed.length; ) {
      const length = Math.min(fed.length - at, 1 + chance(3 << 20));
      host.objectsFeed(fed.buffer as ArrayBuffer, fed.byteOffset + at, length);
      at += length;
    }
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  try {
    const stored = host.objectsEnd();
    return error === "" ? { stored } : { stored, error };
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    os.close(top);
  }
}

const mebibyte = 1 << 20;
const sizes = [1, 100, 5000, mebibyte - 1, mebibyte, mebibyte + 1, 7 * mebibyte + 3, 2, 3 * mebibyte, 12];
for (let more = 0; more < 300; more += 1) sizes.push(1 + chance(60_000));
const contents = sizes.map(contentOf);
const flipped = (at: number) => (bytes: Uint8Array) => {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

function refusal(work: () => void): string {
  try {
    work();
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const large = [contentOf(40 * mebibyte)];
const longer = [contentOf(5 * mebibyte + 7)];
const before = contents.slice(0, 3);
const beforeBytes = before.reduce((sum, bytes) => sum + bytes.length, 0);
const upTo = (end: number) => (bytes: Uint8Array) => bytes.subarray(0, end);
const longerName = sha512Bytes(longer[0] ?? new Uint8Array(0));
const keptBytes = () => host.objectsKept(longerName);

/** A stream of three small contents, a longer one and a small one breaks at a byte of the longer one, and once more later. */
function broken(at: number): object {
  const name = `broken-${at}`;
  const after = [...longer, ...contents.slice(3, 4)];
  const first = store(name, [...before, ...after], upTo(beforeBytes + at));
  const kept = keptBytes();
  const second = store(name, after, upTo(Math.max(at, 4 * mebibyte)), true);
  const keptAgain = keptBytes();
  const third = store(name, after, undefined, true);
  return { at, first, kept, second, keptAgain, third, left: keptBytes() };
}

/** Half of a content is false; what comes after it is true. */
function poisoned(): object {
  const half = store("poisoned", longer, (bytes) => flipped(5)(bytes).subarray(0, 2 * mebibyte));
  const whole = store("poisoned", longer, undefined, true);
  const forged = host.objectsForged() === longerName;
  return { half, whole, forged, kept: keptBytes(), anew: store("poisoned", longer), isForged: host.objectsForged() };
}

/** What is kept goes when it is not continued, when it is to be forgotten, and when its draft is not what it was. */
function gone(): object {
  store("gone", longer, upTo(3 * mebibyte));
  const other = store("gone", before);
  const afterOther = keptBytes();
  store("gone", longer, upTo(3 * mebibyte));
  host.objectsForget();
  const forgotten = keptBytes();
  store("gone", longer, upTo(3 * mebibyte));
  os.remove(`${directory}/gone/${longerName.slice(0, 2)}/${longerName.slice(2)}.new0`);
  const removed = store("gone", longer, undefined, true);
  return { other, afterOther, forgotten, removed, whole: store("gone", longer) };
}
print(
  JSON.stringify({
    expected: contents.map((bytes) => ({ sha512: sha512Bytes(bytes), size: bytes.length })),
    whole: store("whole", contents),
    again: store("whole", contents),
    forged: store("forged", contents.slice(0, 4), flipped(101)),
    forgedLarge: store("forgedLarge", large, flipped(30 * mebibyte)),
    cut: store("cut", contents.slice(0, 5), (bytes) => bytes.subarray(0, bytes.length - 1)),
    cutLarge: store("cutLarge", large, (bytes) => bytes.subarray(0, 20 * mebibyte)),
    empty: store("empty", contents.slice(0, 2), (bytes) => bytes.subarray(0, 0)),
    broken: [1, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte, 5 * mebibyte, 5 * mebibyte + 6].map(broken),
    poisoned: poisoned(),
    gone: gone(),
    tooMuch: store("tooMuch", contents.slice(0, 2), (bytes) => new Uint8Array(bytes.length + 1)),
    noDirectory: store(`missing/below`, contents.slice(0, 2)),
    plans: [
      "",
      "x",
      `${"0".repeat(128)} 0\n`,
      `${"0".repeat(128)} -5\n`,
      `${"0".repeat(127)} 5\n`,
      `${"0".repeat(128)} 5`,
    ].map((plan) => refusal(() => host.objectsBegin(0, plan, 0))),
    begun: refusal(() => host.objectsBegin(0, `${"0".repeat(128)} 5\n`, 3)),
    closed: [refusal(() => host.objectsFeed(new ArrayBuffer(1), 0, 1)), refusal(() => void host.objectsEnd())],
  }),
);
