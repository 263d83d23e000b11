import assert from "node:assert/strict";
import { test } from "node:test";
import { draftOwner, isAbandoned } from "./draft-owner.ts";

test("drafts: those of a running process, of other computers and of older versions are not abandoned", () => {
  const own = draftOwner();
  assert.equal(isAbandoned(`${own}x`), false);
  assert.equal(isAbandoned("0b6bb4a6-3f4c-4d5e-8f6a-7b8c9d0e1f2a.x"), false);
  assert.equal(isAbandoned(`${own.replace(/-[0-9a-f]+\.$/, "-00.")}x`), false);
});

test("drafts: those of a process that has ended, or whose number another one has now, are", () => {
  const [, pid, start = "0", place] = draftOwner().split(/[-.]/);
  assert.equal(isAbandoned(`pid-${pid}-${Number(start) - 1}-${place}.x`), true);
  assert.equal(isAbandoned(`pid-4194304000-1-${place}.x`), true);
});
