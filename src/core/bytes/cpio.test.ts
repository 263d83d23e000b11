import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpioEntry, withParents, writeCpio } from "./cpio.ts";

/** Reads an archive by the description of the format, independently of our writer. */
function readCpio(bytes: Uint8Array) {
  const archive = Buffer.from(bytes);
  const members: { name: string; mode: string; size: number; content: string; rdev: string }[] = [];
  for (let at = 0; at < archive.length; ) {
    assert.equal(archive.toString("latin1", at, at + 6), "070701");
    const field = (index: number) =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + 110 + field(11);
    const start = Math.ceil(nameEnd / 4) * 4;
    members.push({
      name: archive.toString("utf8", at + 110, nameEnd - 1),
      mode: field(1).toString(8),
      size: field(6),
      content: archive.toString("utf8", start, start + field(6)),
      rdev: `${field(9)}:${field(10)}`,
    });
    at = Math.ceil((start + field(6)) / 4) * 4;
  }
  return members;
}

const entries: readonly CpioEntry[] = [
  { kind: "file", path: "usr/bin/tool", mode: 0o755, bytes: Buffer.from("12345") },
  { kind: "link", path: "bin", target: "usr/bin" },
  { kind: "characterDevice", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
  { kind: "directory", path: "tmp", mode: 0o1777 },
  { kind: "file", path: "empty", mode: 0o600, bytes: new Uint8Array(0) },
];

test("an archive holds every entry, directories first, and ends with the trailer", () => {
  const members = readCpio(writeCpio(entries)).map(({ name, mode, content, rdev }) => [name, mode, content, rdev]);
  assert.deepEqual(members, [
    ["bin", "120777", "usr/bin", "0:0"],
    ["dev", "40755", "", "0:0"],
    ["dev/console", "20600", "", "5:1"],
    ["empty", "100600", "", "0:0"],
    ["tmp", "41777", "", "0:0"],
    ["usr", "40755", "", "0:0"],
    ["usr/bin", "40755", "", "0:0"],
    ["usr/bin/tool", "100755", "12345", "0:0"],
    ["TRAILER!!!", "0", "", "0:0"],
  ]);
});

test("the order of the entries does not change a byte, and every archive ends at a multiple of four", () => {
  assert.deepEqual(writeCpio([...entries].reverse()), writeCpio(entries));
  assert.equal(writeCpio(entries).length % 4, 0);
});

test("a directory that is named keeps its mode; two files of one name are refused", () => {
  const inside: CpioEntry = { kind: "file", path: "tmp/x", mode: 0o644, bytes: new Uint8Array(0) };
  const [tmp] = withParents([inside, { kind: "directory", path: "tmp", mode: 0o1777 }]);
  assert.deepEqual(tmp, { kind: "directory", path: "tmp", mode: 0o1777 });
  assert.throws(() => withParents([inside, inside]), /two entries for tmp\/x/);
});
