import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { bytesFromHex, bytesFromText, hexFromBytes, textFromBytes } from "../bytes/text.ts";
import { negotiate } from "./negotiate.ts";
import { netasciiLimitBytes } from "./netascii.ts";
import { type MalformedTftp, readTftp, type TftpOptions, type TftpPacket, writeTftp } from "./packet.ts";
import { answerRequest, normaliseName } from "./request.ts";

const rows: readonly (readonly [title: string, packet: TftpPacket, hex: string])[] = [
  ["read request", { kind: "readRequest", file: "a", mode: "octet", options: [] }, "0001 6100 6f6374657400"],
  [
    "read request with options",
    { kind: "readRequest", file: "a", mode: "octet", options: [["tsize", "0"]] },
    "0001 6100 6f6374657400 7473697a6500 3000",
  ],
  ["write request", { kind: "writeRequest", file: "a", mode: "octet", options: [] }, "0002 6100 6f6374657400"],
  ["data", { kind: "data", block: 65535, bytes: Uint8Array.of(1, 2) }, "0003 ffff 0102"],
  ["empty last block", { kind: "data", block: 2, bytes: new Uint8Array() }, "0003 0002"],
  ["ack", { kind: "ack", block: 258 }, "0004 0102"],
  ["error", { kind: "error", code: 8, message: "no" }, "0005 0008 6e6f00"],
  ["option ack", { kind: "optionAck", options: [["blksize", "8"]] }, "0006 626c6b73697a6500 3800"],
];
for (const [title, packet, hex] of rows)
  test(`packet, both ways: ${title}`, () => {
    assert.equal(hexFromBytes(writeTftp(packet)), hex.replaceAll(" ", ""));
    assert.deepEqual(readTftp(bytesFromHex(hex) ?? assert.fail()), packet);
  });

const malformedRows: readonly (readonly [title: string, hex: string, fault: string])[] = [
  ["nothing", "", "tooShort"],
  ["half an operation", "00", "tooShort"],
  ["an operation that is none", "0009", "badOperation"],
  ["ack without a block", "0004 00", "tooShort"],
  ["name without an end", "0001 6162", "unterminated"],
  ["no mode", "0001 6100", "unterminated"],
  ["value without an end", "0001 6100 6f6374657400 7473697a6500 30", "unterminated"],
  ["option ack without a value", "0006 7473697a6500", "unterminated"],
];
for (const [title, hex, fault] of malformedRows)
  test(`malformed: ${title}`, () =>
    assert.deepEqual(readTftp(bytesFromHex(hex) ?? assert.fail()), { kind: "malformed", fault }));

const field = new URL("../../../tests/captures/field/tftp/", import.meta.url);
const fieldCases: { readonly [name: string]: TftpPacket | MalformedTftp } = {
  plain: asked(),
  "one-trailing-nul": asked(),
  "three-trailing-nuls": asked(),
  "padded-to-46-zeros": asked(),
  "option-without-value": asked(),
  "options-then-one-nul": asked(["blksize", "1024"], ["tsize", "0"]),
  "mode-unterminated": { kind: "malformed", fault: "unterminated" },
  "last-value-unterminated": { kind: "malformed", fault: "unterminated" },
  "junk-behind-mode": { kind: "malformed", fault: "unterminated" },
};
function asked(...options: TftpOptions): TftpPacket {
  return { kind: "readRequest", file: "snponly.efi", mode: "octet", options };
}
test("every field case of TFTP has its answer", () =>
  assert.deepEqual(
    readdirSync(field).sort(),
    Object.keys(fieldCases)
      .map((name) => `${name}.hex`)
      .sort(),
  ));
for (const [name, expected] of Object.entries(fieldCases))
  test(`field case ${name}: ${expected.kind}`, () => {
    const hex = readFileSync(new URL(`${name}.hex`, field), "utf8").replace(/\s/g, "");
    assert.deepEqual(readTftp(bytesFromHex(hex) ?? assert.fail()), expected);
  });

const word = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));
const options = fc.array(
  fc.tuple(
    word.filter((text) => text !== ""),
    word,
  ),
  { maxLength: 4 },
);
const number = fc.nat(0xffff);
const packets: fc.Arbitrary<TftpPacket> = fc.oneof(
  fc.record(
    { kind: fc.constantFrom("readRequest" as const, "writeRequest" as const), file: word, mode: word, options },
    { noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant("data" as const), block: number, bytes: fc.uint8Array() }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant("ack" as const), block: number }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant("error" as const), code: number, message: word }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant("optionAck" as const), options }, { noNullPrototype: true }),
);

test("read(write(packet)) = packet", () => {
  fc.assert(fc.property(packets, (packet) => assert.deepEqual(readTftp(writeTftp(packet)), packet)));
});

test("no bytes make the reader or the answer throw", () => {
  const files = new Map([["a", Uint8Array.of(1)]]);
  const likely = fc
    .tuple(fc.nat(8), fc.uint8Array({ maxLength: 80 }))
    .map(([code, rest]) => Uint8Array.of(0, code, ...rest));
  fc.assert(
    fc.property(fc.oneof(likely, fc.uint8Array()), (bytes) => {
      const packet = readTftp(bytes);
      if (packet.kind === "readRequest" || packet.kind === "writeRequest") answerRequest(packet, files, 1500);
    }),
    { numRuns: runs(2000) },
  );
});

const names: readonly (readonly [asked: string, name: string | undefined])[] = [
  ["snponly.efi", "snponly.efi"],
  ["/snponly.efi", "snponly.efi"],
  ["//boot//snponly.efi", "boot/snponly.efi"],
  ["\\boot\\snponly.efi", "boot/snponly.efi"],
  ["/tftpboot/snponly.efi", "snponly.efi"],
  ["./snponly.efi", "snponly.efi"],
  ["../etc/passwd", undefined],
  ["boot/../../etc/passwd", undefined],
  ["..\\..\\boot.ini", undefined],
  ["a..b", "a..b"],
];
for (const [asked, name] of names)
  test(`name ${JSON.stringify(asked)} is ${name ?? "refused"}`, () =>
    assert.deepEqual(normaliseName(asked), name === undefined ? { kind: "escapes" } : { kind: "name", name }));

const files = new Map([
  ["undionly.kpxe", bytesFromText("a\nb\rc")],
  ["grubx64.efi", bytesFromText("grub")],
]);
const requests: readonly (readonly [
  title: string,
  packet: Partial<TftpPacket & { kind: "readRequest" | "writeRequest" }>,
  expected: string,
])[] = [
  ["a file we have", {}, "send undionly.kpxe a\nb\rc"],
  ["in other case", { file: "UNDIONLY.KPXE" }, "send undionly.kpxe a\nb\rc"],
  ["as netascii", { mode: "NetASCII" }, "send undionly.kpxe a\r\nb\r\0c"],
  ["a file we have not", { file: "autoexec.ipxe" }, "error 1"],
  ["what shim makes of the boot option `Onboard NIC`", { file: "\xeaOnboard" }, "send grubx64.efi grub"],
  ["the same in a directory", { file: "grub/\x02USB" }, "send grubx64.efi grub"],
  ["revocations that shim does without", { file: "revocations.efi" }, "error 1"],
  ["what GRUB looks for", { file: "/grub/x86_64-efi/command.lst" }, "error 1"],
  ["outside", { file: "../shadow" }, "error 2"],
  ["writing", { kind: "writeRequest" }, "error 2"],
  ["mail", { mode: "mail" }, "error 4"],
];
for (const [title, changes, expected] of requests)
  test(`request: ${title}`, () => {
    const answer = answerRequest(
      { kind: "readRequest", file: "undionly.kpxe", mode: "octet", options: [], ...changes },
      files,
      1500,
    );
    const shown =
      answer.kind === "send" ? `send ${answer.name} ${textFromBytes(answer.bytes)}` : `error ${answer.error.code}`;
    assert.equal(shown, expected);
  });

const negotiations: readonly (readonly [title: string, asked: [string, string][], accepted: [string, string][]])[] = [
  ["nothing asked, nothing answered", [], []],
  [
    "EDK2's size probe",
    [
      ["tsize", "0"],
      ["blksize", "1468"],
      ["windowsize", "4"],
    ],
    [
      ["tsize", "9000"],
      ["blksize", "1468"],
      ["windowsize", "4"],
    ],
  ],
  ["a block larger than a frame", [["blksize", "65464"]], [["blksize", "1468"]]],
  ["as large as the frame", [["blksize", "1468"]], [["blksize", "1468"]]],
  ["a window larger than wise", [["windowsize", "64"]], [["windowsize", "32"]]],
  ["names keep their spelling", [["BLKSIZE", "1024"]], [["BLKSIZE", "1024"]]],
  [
    "unknown, nonsense and repeated ones are left out",
    [
      ["multicast", ""],
      ["blksize", "7"],
      ["timeout", "0"],
      ["windowsize", "x"],
      ["tsize", "0"],
      ["TSIZE", "0"],
    ],
    [["tsize", "9000"]],
  ],
  ["timeout as asked", [["timeout", "3"]], [["timeout", "3"]]],
];
for (const [title, asked, accepted] of negotiations)
  test(`options: ${title}`, () =>
    assert.deepEqual(negotiate(asked, { sizeBytes: 9000, mode: "octet", mtuBytes: 1500 }).accepted, accepted));
test("options: the size of a netascii file is not sent", () =>
  assert.deepEqual(negotiate([["tsize", "0"]], { sizeBytes: 9000, mode: "netascii", mtuBytes: 1500 }).accepted, []));

const mtus: readonly (readonly [mtuBytes: number, blockBytes: number])[] = [
  [1500, 1468],
  [9000, 1468],
  [1400, 1368],
];
for (const [mtuBytes, blockBytes] of mtus)
  test(`options: blocks for an MTU of ${mtuBytes} (F4)`, () =>
    assert.equal(negotiate([["blksize", "65464"]], { sizeBytes: 1, mode: "octet", mtuBytes }).blockBytes, blockBytes));

test("a file too large to be text is refused as netascii", () => {
  const large = new Map([["image", new Uint8Array(netasciiLimitBytes + 1)]]);
  const answer = answerRequest({ kind: "readRequest", file: "image", mode: "netascii", options: [] }, large, 1500);
  assert.equal(answer.kind === "refuse" && answer.error.code, 4);
});
