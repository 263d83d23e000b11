import assert from "node:assert/strict";
import { test } from "node:test";
import { describeImport, openImportLine } from "./import-progress.ts";

const mebibyte = 1 << 20;

test("import progress: bytes of the source, rate and time left", () => {
  const half = { paths: 12_034, readBytes: 240 * mebibyte, totalBytes: 480 * mebibyte };
  assert.equal(describeImport(half, 2400), "12,034 paths, 240.0 MiB of 480.0 MiB, 100.0 MiB/s, 2.4 s left");
  assert.equal(
    describeImport({ ...half, readBytes: half.totalBytes }, 4800),
    "12,034 paths, 480.0 MiB of 480.0 MiB, 100.0 MiB/s",
  );
  assert.equal(describeImport({ paths: 1, readBytes: 0, totalBytes: 0 }, 0), "1 path, 0 B of 0 B, 0 B/s");
});

test("import progress: one line on a terminal, ended at the end; nothing elsewhere", () => {
  const printed = (isTTY: boolean) => {
    const texts: string[] = [];
    {
      using line = openImportLine({ isTTY, write: (text) => texts.push(String(text)) > 0 });
      for (let paths = 1; paths <= 10; paths += 1) line.show({ paths, readBytes: paths, totalBytes: 10 });
    }
    return texts.join("");
  };
  const shown = printed(true).split("\r");
  assert.equal(shown.length, 2, "the others follow too closely");
  assert.match(shown[1] ?? "", /^10 paths, 10 B of 10 B, /);
  assert.ok(shown[1]?.endsWith("\n"));
  assert.equal(printed(false), "");
});
