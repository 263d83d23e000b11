import assert from "node:assert/strict";
import { test } from "node:test";
import { grubWords } from "./grub-script.ts";

const variables = new Map([
  ["root", "hd0,gpt2"],
  ["two", "a b"],
]);
const rows: readonly (readonly [command: string, words: readonly string[] | undefined])[] = [
  ["set default=0", ["set", "default=0"]],
  ["  set prefix=($root)/grub ", ["set", "prefix=(hd0,gpt2)/grub"]],
  [`set fallback="1 2"`, ["set", "fallback=1 2"]],
  [`[ "$none" = "x" ]`, ["[", "", "=", "x", "]"]],
  [`regexp '^(hd[0-9]+) $root' "$two"`, ["regexp", "^(hd[0-9]+) $root", "a b"]],
  [`echo "an open quote`, undefined],
  ["", []],
];
for (const [command, words] of rows)
  test(`the words of: ${command}`, () => assert.deepEqual(grubWords(command, variables), words));
