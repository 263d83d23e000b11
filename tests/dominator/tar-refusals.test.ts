import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TarHeader } from "../../src/dominator/import/tar-member.ts";
import { readTar } from "../../src/dominator/import/tar-reader.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-tar-"));
after(() => rmSync(directory, { recursive: true }));

type Fields = { readonly [offset: number]: string | Uint8Array };
const latin1 = (text: string) => Buffer.from(text, "latin1");
const endMark = Buffer.alloc(1024);

/**
 * A header block with a correct checksum: mode 644, owner 0, no content, unless `fields` (offset → contents) overrides
 * it.
 */
function block(name: string, flag: string, fields: Fields = {}): Buffer {
  const bytes = Buffer.alloc(512);
  const all: Fields = {
    0: name,
    100: "0000644",
    108: "0",
    116: "0",
    124: "0",
    136: "0",
    156: flag,
    257: "ustar\x0000",
  };
  for (const [offset, value] of Object.entries({ ...all, ...fields }))
    bytes.set(typeof value === "string" ? latin1(value) : value, Number(offset));
  bytes.fill(0x20, 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0`, 148, "latin1");
  return bytes;
}

function withContent(name: string, flag: string, content: string | Uint8Array): Buffer {
  const bytes = typeof content === "string" ? latin1(content) : content;
  const padding = Buffer.alloc(Math.ceil(bytes.length / 512) * 512 - bytes.length);
  return Buffer.concat([block(name, flag, { 124: bytes.length.toString(8) }), bytes, padding]);
}

/** A pax record; the value's characters are bytes. */
function record(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

const pax = (...records: string[]) => withContent("PaxHeader", "x", records.join(""));
const global = (...records: string[]) => withContent("PaxHeader", "g", records.join(""));

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function read(archive: Uint8Array, pieceBytes = 700): Promise<{ header: TarHeader; content: string }[]> {
  const members = [];
  for await (const { header, content } of readTar(inPieces(archive, pieceBytes))) {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece);
    members.push({ header, content: Buffer.concat(pieces).toString("latin1") });
  }
  return members;
}

function tar(...options: readonly string[]): Buffer {
  return execFileSync("tar", ["-C", directory, "-c", "-f", "-", ...options], { maxBuffer: 1 << 26 });
}

const base256 = (...bytes: number[]) => Uint8Array.of(...bytes);
const refused: readonly (readonly [title: string, archive: readonly Uint8Array[], says: RegExp])[] = [
  ["a name that is not UTF-8", [block("caf\xe9", "0")], /a name in UTF-8, found "café"/],
  ["a pax name that is not UTF-8", [pax(record("path", "\xff")), block("x", "0")], /a name in UTF-8/],
  ["a GNU long name that is not UTF-8", [withContent("././@LongLink", "L", "\xff\0"), block("x", "0")], /in UTF-8/],
  ["a link's target that is not UTF-8", [block("x", "2", { 157: "\xff" })], /a name in UTF-8/],
  ["a kind that images do not have", [block("x", "V")], /x: expected a file, .* found the kind "V"/],
  ["a sparse file of GNU's old format", [block("x", "S")], /x is stored as a sparse file/],
  ["a sparse file of pax", [pax(record("GNU.sparse.major", "1")), block("x", "0")], /x is stored as a sparse file/],
  [
    "a symbolic link with content",
    [block("x", "2", { 124: "5" })],
    /x: expected a symlink without content, found 5 bytes/,
  ],
  [
    "a hard link with content",
    [block("x", "1", { 124: "5", 157: "y" })],
    /x: expected a link without content, found 5 bytes/,
  ],
  ["an owner that is not a number", [block("x", "0", { 108: "12x" })], /expected an octal number, found "12x"/],
  ["a device number that is not a number", [block("x", "3", { 329: "9" })], /expected an octal number, found "9"/],
  ["a size beyond all disks", [block("x", "0", { 124: base256(0x80, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0) })], /as size/],
  ["a negative size", [block("x", "0", { 124: new Uint8Array(12).fill(0xff) })], /a negative number/],
  ["a negative owner", [block("x", "0", { 108: new Uint8Array(8).fill(0xff) })], /a negative number/],
  ["a pax size that is not a number", [pax(record("size", "1x")), block("x", "0")], /size="1x": expected a number/],
  ["a pax owner that is not a number", [pax(record("uid", "-1")), block("x", "0")], /uid="-1": expected a number/],
  ["a pax record that is too long", [pax("99 path=x\n"), block("x", "0")], /a pax header of the archive is damaged/],
  ["a pax record without a length", [pax("path=x\n"), block("x", "0")], /a pax header of the archive is damaged/],
  ["one name for all members", [global(record("path", "y")), block("x", "0")], /sets path for all members/],
  ["an extended header of 2 MiB", [pax(record("comment", "c".repeat(2 << 20))), block("x", "0")], /is too large/],
  ["a wrong checksum", [block("x", "0").fill("y", 0, 1)], /wrong checksum/],
  ["a wrong checksum behind a member", [withContent("x", "0", "content"), Buffer.alloc(512, "y")], /wrong checksum/],
];
for (const [title, archive, says] of refused) {
  test(`tar refuses ${title}`, async () => {
    await assert.rejects(read(Buffer.concat([...archive, endMark])), says);
  });
}

test("tar refuses real sparse files of both formats", async () => {
  writeFileSync(join(directory, "sparse"), "x");
  truncateSync(join(directory, "sparse"), 10 << 20);
  for (const format of ["gnu", "posix"])
    await assert.rejects(read(tar(`--format=${format}`, "--sparse", "sparse")), /sparse is stored as a sparse file/);
});

test("tar refuses an archive truncated anywhere before its end mark", async () => {
  // To a reader of bytes only, a content of zeros looks like an end mark.
  const archive = Buffer.concat([
    withContent("zeros", "0", new Uint8Array(1500)),
    pax(record("comment", "c".repeat(600))),
    withContent("x", "0", "y".repeat(512)),
  ]);
  for (let length = 0; length <= archive.length; length += 64)
    await assert.rejects(
      read(archive.subarray(0, length)),
      /the archive is truncated: it ends (within (zeros|x)|before)/,
      `${length}`,
    );
  const whole = Buffer.concat([archive, Buffer.alloc(512)]);
  assert.deepEqual(
    (await read(whole)).map(({ header, content }) => [header.path, content.length]),
    [
      ["zeros", 1500],
      ["x", 512],
    ],
  );
});

test("tar ends at its end mark and ignores the rest", async () => {
  for (const more of [block("smuggled", "0"), Buffer.alloc(512, "garbage"), pax(record("path", "x"))]) {
    const members = await read(Buffer.concat([block("x", "0"), endMark, more, endMark]));
    assert.deepEqual(
      members.map(({ header }) => header.path),
      ["x"],
    );
  }
});

test("tar: the error of a failing source is reported", async () => {
  async function* failing() {
    yield block("x", "0");
    throw new Error("the disk is gone");
  }
  await assert.rejects(async () => {
    for await (const _member of readTar(failing()));
  }, /the disk is gone/);
});

test("tar: extended attributes keep every byte", async () => {
  const value = "\x01\x00\x00\x02\xff=\n\x80";
  const [member] = await read(
    Buffer.concat([pax(record("SCHILY.xattr.security.capability", value)), block("ping", "0"), endMark]),
  );
  assert.deepEqual(member?.header.attributes, [{ name: "security.capability", value: new Uint8Array(latin1(value)) }]);
});

test("tar: global records apply until they are overridden", async () => {
  const members = await read(
    Buffer.concat([
      global(record("comment", "a commit"), record("uid", "7"), record("mtime", "12.5")),
      block("one", "0"),
      pax(record("uid", "8"), record("mtime", "-1.25")),
      block("two", "0"),
      block("three", "0"),
      endMark,
    ]),
  );
  assert.deepEqual(
    members.map(({ header: { path, uid, mtimeMs } }) => [path, uid, mtimeMs]),
    [
      ["one", 7, 12_500],
      ["two", 8, -1250],
      ["three", 7, 12_500],
    ],
  );
});

test("tar: large numbers, long names and the format before POSIX, as GNU tar writes them", async () => {
  const name = "d/".repeat(80);
  mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, "owned"), "content");
  chownSync(join(directory, "owned"), 3_000_000_000, 2_999_999_999);
  for (const format of ["gnu", "posix"]) {
    const members = await read(tar(`--format=${format}`, "owned", name.slice(0, -1)), 1 << 16);
    const { path, uid, gid, size } = members[0]?.header ?? assert.fail();
    assert.deepEqual([path, uid, gid, size], ["owned", 3_000_000_000, 2_999_999_999, 7]);
    assert.equal(members.at(-1)?.header.path, name);
  }
  chownSync(join(directory, "owned"), 0, 0);
  mkdirSync(join(directory, "e"));
  const old = await read(tar("--format=v7", "owned", "e"));
  assert.deepEqual(
    old.slice(0, 2).map(({ header }) => [header.path, header.kind]),
    [
      ["owned", "file"],
      ["e/", "directory"],
    ],
  );
});

test("tar: a time before 1970 of GNU's format", async () => {
  const [member] = await read(Buffer.concat([block("x", "0", { 136: new Uint8Array(12).fill(0xff) }), endMark]));
  assert.equal(member?.header.mtimeMs, -1000);
});

test("tar: pieces of any size give the same members", async () => {
  writeFileSync(join(directory, "large"), Buffer.alloc(5000, "large"));
  const archive = tar("--format=posix", "large", "owned");
  const contents = (members: Awaited<ReturnType<typeof read>>) => members.map(({ content }) => content);
  const whole = contents(await read(archive, archive.length));
  assert.equal(whole[0], readFileSync(join(directory, "large"), "latin1"));
  for (const size of [1, 511, 512, 513, 65_536]) assert.deepEqual(contents(await read(archive, size)), whole);
});
