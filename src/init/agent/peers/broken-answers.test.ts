import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenAnswers } from "./broken-answers.ts";

test("a machine whose answer breaks is asked for the rest, as long as it sends some, a few times", () => {
  const { judge } = brokenAnswers();
  assert.deepEqual(
    [0, 1e6, 2e6, 3e6].map((bytes) => judge("a", bytes)),
    ["again", "again", "again", "noUse"],
  );
  assert.equal(judge("b", 3e6), "again");
});

test("one that breaks off and sends nothing then is at fault", () => {
  const { judge } = brokenAnswers();
  assert.deepEqual([judge("a", 1e6), judge("a", 1e6 + 1000)], ["again", "toBlame"]);
});
