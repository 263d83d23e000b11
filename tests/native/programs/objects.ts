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
function store(name: string, contents: readonly Uint8Array[], adjust = (bytes: Uint8Array) => bytes): Outcome {
  const path = `${directory}/${name}`;
  os.mkdir(path, 0o700);
  const top = host.openRoot(path);
  let error = "";
  try {
    host.objectsBegin(top, contents.map((bytes) => `${sha512Bytes(bytes)} ${bytes.length}\n`).join(""));
    const whole = new Uint8Array(contents.reduce((sum, bytes) => sum + bytes.length, 0));
    let at = 0;
    for (const bytes of contents) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    const fed = adjust(whole);
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
    tooMuch: store("tooMuch", contents.slice(0, 2), (bytes) => new Uint8Array(bytes.length + 1)),
    noDirectory: store(`missing/below`, contents.slice(0, 2)),
    plans: [
      "",
      "x",
      `${"0".repeat(128)} 0\n`,
      `${"0".repeat(128)} -5\n`,
      `${"0".repeat(127)} 5\n`,
      `${"0".repeat(128)} 5`,
    ].map((plan) => refusal(() => host.objectsBegin(0, plan))),
    closed: [refusal(() => host.objectsFeed(new ArrayBuffer(1), 0, 1)), refusal(() => void host.objectsEnd())],
  }),
);
