// A content on its way to a path of a tree that a stranger has built: links, pipes, other names of a file, paths of every form.
import * as host from "host";
import * as os from "os";
import * as std from "std";
import { decodeUtf8 } from "../../../src/core/bytes/utf8.ts";
import { list, makeDirectories, readText, removeTree, writeText } from "../../../src/init/system/files.ts";

const world = `${std.getenv("FUZZ_SCRIPT")}.place`;
const top = `${world}/root`;
const outside = `${world}/outside`;
const object = "store/object";
const content = "content";

/** Names that a stranger gives things, and that paths are made of. */
const names = ["a", "b", "c", "..", ".", "", "store", "object", "secret", "\udcff", "x".repeat(255), "y".repeat(256)];
const targets = ["../outside", "../../outside", outside, `${outside}/secret`, "a", ".", "/", "loop", "store/object"];

Object.assign(globalThis, { take });

type Bytes = { readonly next: () => number; readonly rest: () => Uint8Array };

function reader(bytes: Uint8Array): Bytes {
  let at = 0;
  return { next: () => bytes[at++] ?? 0, rest: () => bytes.subarray(at) };
}

const pick = <T>(from: readonly T[], { next }: Bytes, otherwise: T): T => from[next() % from.length] ?? otherwise;

/** One to four names; the low bits of a byte say how many. */
function pathOf(input: Bytes): string {
  return Array.from({ length: 1 + (input.next() % 4) }, () => pick(names, input, "a")).join("/");
}

/** Something of the stranger's in an open directory; what cannot be made is not there. */
function makeOne(directory: number, input: Bytes): void {
  const kind = input.next() % 5;
  const name = pick(names, input, "a");
  if (kind === 0) host.makeDirectoryAt(directory, name, 0o755);
  else if (kind === 1) host.symlinkAt(pick(targets, input, "a"), directory, name);
  else if (kind === 2) host.makeNodeAt(directory, name, os.S_IFIFO | 0o600, 0);
  else if (kind === 3) {
    const file = host.createAt(directory, name);
    if (file >= 0) os.close(file);
  } else {
    const other = host.openBeneath(directory, pick(names, input, "a"), "place");
    if (other >= 0) {
      host.linkAt(other, directory, name);
      os.close(other);
    }
  }
}

/** Up to twelve things, each in the root or one or two directories below it. */
function build(input: Bytes): void {
  for (let left = input.next() % 13; left > 0; left -= 1) {
    const root = host.openRoot(top);
    const below = input.next() % 3 === 0 ? -1 : host.openBeneath(root, pathOf(input), "directory");
    makeOne(below >= 0 ? below : root, input);
    if (below >= 0) os.close(below);
    os.close(root);
  }
}

/** Everything about what is outside, that a placing must not touch. */
function outsideNow(): string {
  const facts = [outside, `${outside}/secret`].map((path) => {
    const [stat] = os.lstat(path);
    return stat === null ? "gone" : [stat.mode, stat.uid, stat.gid, stat.size, stat.mtime, stat.nlink].join();
  });
  return [...facts, ...list(outside), readText(`${outside}/secret`)].join(" ");
}

/** What is at a path below the root, by the descriptors that the agent uses; undefined if nothing can be seen there. */
function statAt(path: string): host.FileStat | undefined {
  const root = host.openRoot(top);
  const fd = host.openBeneath(root, path, "place");
  const stat = fd < 0 ? -1 : host.statOf(fd);
  for (const open of [root, fd]) if (open >= 0) os.close(open);
  return typeof stat === "number" ? undefined : stat;
}

/** What the scan saw at a path: what is there, in most cases. */
function seenAt(path: string, input: Bytes): readonly number[] {
  const stat = statAt(path);
  const said = input.next() % 8 > 0 && stat !== undefined;
  return said ? [1, stat.dev, stat.ino, stat.mode & os.S_IFMT] : [0, 0, 0, 0];
}

function place(input: Bytes): void {
  const path = input.next() % 4 > 0 ? pathOf(input) : decodeUtf8(input.rest());
  const from = input.next() % 8 > 0 ? object : pathOf(input);
  const mode = 0o4000 + (input.next() << 1);
  const facts = new Float64Array([
    ...[input.next(), input.next(), mode, 1_700_000_000_000 + input.next(), input.next() % 2],
    ...seenAt(path, input),
    ...[input.next() % 2, 0, 0],
  ]);
  const before = outsideNow();
  const result = host.placeObject(top, from, path, facts.buffer);
  if (outsideNow() !== before) throw `${path}: expected nothing to change outside, found ${outsideNow()}`;
  if (result < 0 || from !== object) return;
  const found = statAt(path);
  if (found === undefined || found.ino !== facts[11] || (found.mode & 0o7777) !== mode || found.uid !== facts[0])
    throw `${path}: expected the content with its facts, found ${JSON.stringify(found)}`;
}

function take(bytes: ArrayBuffer): void {
  const input = reader(new Uint8Array(bytes));
  removeTree(world);
  makeDirectories(`${top}/store`);
  makeDirectories(outside);
  writeText(`${outside}/secret`, "secret", 0o600);
  writeText(`${top}/${object}`, content, 0o600);
  build(input);
  place(input);
}
