import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { longestDatagram, readSyslog, type SyslogMessage, writeSyslog } from "./message.ts";

const message = (more: Partial<SyslogMessage> = {}): SyslogMessage => ({
  ...{ facility: 3, severity: 6, host: "10.77.0.50", app: "init", boot: "0123abcd-0000" },
  ...{ sequence: 1, text: "[   2.1] hello", ...more },
});
const textOf = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

test("a datagram is a message of RFC 5424, without a time", () => {
  const bytes = writeSyslog(message({ severity: 4, sequence: 12 }));
  assert.equal(textOf(bytes), '<28>1 - 10.77.0.50 init 0123abcd-0000 - [meta sequenceId="12"] [   2.1] hello');
});

test("what is written is read again; a datagram is never longer than a frame takes, and never ends within a character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 0, max: 7 }),
      (text, sequence, severity) => {
        const bytes = writeSyslog(message({ text, sequence, severity }));
        assert.ok(bytes.length <= longestDatagram);
        textOf(bytes);
        const read = readSyslog(bytes);
        assert.ok(read !== undefined);
        assert.deepEqual({ ...read, text: "" }, message({ sequence, severity, text: "" }));
        const whole = text.replace(/^\ufeff/, "").replace(/\p{Cs}/gu, "\ufffd");
        assert.ok(whole.startsWith(read.text.replace(/^\ufeff/, "")));
        if (bytes.length < longestDatagram - 3) assert.equal(read.text.replace(/^\ufeff/, ""), whole);
      },
    ),
  );
});

const head = "<30>1 - h init b -";
for (const [title, datagram, expected] of [
  ["a message of another program, with a time", '<13>1 2026-11-30T01:02:03Z h app 7 ID [meta sequenceId="3"] x', "x"],
  ["other elements, and quotes in them", `${head} [a@1 b="\\]\\"c"][meta sysUpTime="1" sequenceId="3"] x`, "x"],
  ["no text", `${head} [meta sequenceId="3"]`, ""],
  ["the old format (RFC 3164)", "<13>Nov 30 01:02:03 h app: x", undefined],
  ["version 2", '<30>2 - h init b - [meta sequenceId="3"] x', undefined],
  ["no structured data", `${head} - x`, undefined],
  ["no sequence number", `${head} [meta sysUpTime="1"] x`, undefined],
  ["a sequence number in another element", `${head} [other sequenceId="3"] x`, undefined],
  ["a sequence number in a value", `${head} [meta a="sequenceId=\\"3\\""] x`, undefined],
  ["number 0", `${head} [meta sequenceId="0"] x`, undefined],
  ["a number beyond the highest", `${head} [meta sequenceId="2147483648"] x`, undefined],
  ["a priority that is none", '<192>1 - h init b - [meta sequenceId="3"] x', undefined],
  ["an element without an end", `${head} [meta sequenceId="3"`, undefined],
  ["nothing", "", undefined],
  ["more than a frame", `${head} [meta sequenceId="3"] ${"x".repeat(longestDatagram)}`, undefined],
] as const)
  test(`read: ${title}`, () => assert.equal(readSyslog(encodeUtf8(datagram))?.text, expected));

test("any bytes are read or refused, in time that does not grow with their cunning", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => void readSyslog(bytes)));
  const before = process.threadCpuUsage();
  for (const evil of [`[meta a="${'\\"'.repeat(600)}`, `[meta${' a="b"'.repeat(200)}`, "[a]".repeat(440)])
    for (let n = 0; n < 100; n += 1) assert.equal(readSyslog(encodeUtf8(`${head} ${evil}`)), undefined);
  const { user, system } = process.threadCpuUsage(before);
  assert.ok(user + system < 5_000_000);
});
