import assert from "node:assert/strict";
import { test } from "node:test";
import { describeWrongWords, type WrongWord } from "./wrong-words.ts";

const word: WrongWord = {
  ...{ offset: 4096, physical: "0x0000000123456788", pattern: "address" },
  ...{ expected: "0x00000000000000ff", found: "0x00000000000000fe", again: "0x00000000000000fe" },
};

test("a wrong word is named by its address in the machine, with what was expected and found there", () => {
  assert.equal(describeWrongWords(0, []), "");
  assert.equal(
    describeWrongWords(1, [word]),
    "1 word differs after reading back; at physical address 0x0000000123456788 (pattern address): " +
      "expected 0x00000000000000ff, found 0x00000000000000fe",
  );
});

test("a wrong word whose address is unknown is named by its place in the test; what passes is told from what stays", () => {
  const { physical: _, ...unknown } = word;
  assert.match(
    describeWrongWords(2, [{ ...unknown, again: word.expected }]),
    /^2 words differ .*at byte 4096 of the tested memory .*, right when read again$/,
  );
  assert.match(describeWrongWords(1, [{ ...word, again: "0x1" }]), /found 0x00000000000000fe, 0x1 when read again$/);
});

test("many wrong words stay one line: the first of a few CPUs are named", () => {
  const text = describeWrongWords(
    1e9,
    Array.from({ length: 256 }, () => word),
  );
  assert.equal(text.split("at physical address").length - 1, 4);
});
