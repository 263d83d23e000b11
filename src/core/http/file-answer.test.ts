import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileHeaders, planFileAnswer } from "./file-answer.ts";

const file = { size: 1000, etag: '"abc"', contentType: "application/octet-stream" };

const rows: readonly (readonly [title: string, headers: FileHeaders, status: number, from: number, to: number])[] = [
  ["everything", {}, 200, 0, 1000],
  ["the first bytes", { range: "bytes=0-99" }, 206, 0, 100],
  ["from an offset", { range: "bytes=900-" }, 206, 900, 1000],
  ["the last bytes", { range: "bytes=-10" }, 206, 990, 1000],
  ["more bytes than the file has", { range: "bytes=990-5000" }, 206, 990, 1000],
  ["a suffix longer than the file", { range: "bytes=-5000" }, 206, 0, 1000],
  ["after the end", { range: "bytes=1000-" }, 416, 0, 0],
  ["a suffix of no bytes", { range: "bytes=-0" }, 416, 0, 0],
  ["several ranges get the whole file", { range: "bytes=0-1,5-6" }, 200, 0, 1000],
  ["thousands of overlapping ranges", { range: `bytes=${"0-999,".repeat(5000)}0-999` }, 200, 0, 1000],
  ["numbers beyond all files", { range: `bytes=0-${"9".repeat(400)}` }, 200, 0, 1000],
  ["a number that is a file's size to nobody", { range: "bytes=999999999999999-" }, 416, 0, 0],
  ["a reversed range is ignored", { range: "bytes=9-3" }, 200, 0, 1000],
  ["another unit", { range: "lines=1-2" }, 200, 0, 1000],
  ["no number at all", { range: "bytes=-" }, 200, 0, 1000],
  ["resumed, same file", { range: "bytes=500-", "if-range": '"abc"' }, 206, 500, 1000],
  ["resumed, other file", { range: "bytes=500-", "if-range": '"old"' }, 200, 0, 1000],
  ["resumed with If-Match, other file", { range: "bytes=500-", "if-match": '"old"' }, 412, 0, 0],
  ["the client has it", { "if-none-match": '"x", "abc"' }, 304, 0, 0],
];
for (const [title, headers, status, from, to] of rows)
  test(`file answer: ${title}`, () => {
    const answer = planFileAnswer(file, headers);
    assert.deepEqual([answer.status, answer.from, answer.to], [status, from, to]);
    if (status === 206) assert.equal(answer.headers["content-range"], `bytes ${from}-${to - 1}/1000`);
  });
