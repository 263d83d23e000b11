import assert from "node:assert/strict";
import { test } from "node:test";
import { excerptOf } from "./excerpt.ts";

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("expected an error, found none");
}

test("an assertion shows both values, whether its message is its own or the test's, and the line of the test", () => {
  const generated = excerptOf(thrownBy(() => assert.deepEqual({ state: "birth" }, { state: "healthy" })));
  assert.match(generated, /^AssertionError: .*\n.*birth.*healthy/s);
  assert.match(generated, /at .*tests\/runner\/excerpt\.test\.ts:\d+/);
  const long = thrownBy(() => assert.deepEqual({ list: [1, 2, 3, 4, 5, 6, 7, 8] }, { list: [1, 2, 3, 4, 5, 6, 7, 9] }));
  assert.match(excerptOf(long), /\+ +8\n- +9/, "of a long difference the lines that differ");
  const own = excerptOf(thrownBy(() => assert.equal(1, 2, "the number of requests")));
  assert.match(own, /^AssertionError: the number of requests\n(.*\n)?expected 2\nfound 1\nat /);
});

test("an error that carries a console shows its cause first, then the end of the console", () => {
  const console = Array.from({ length: 500 }, (_, index) => `line ${index}`).join("\n");
  const excerpt = excerptOf(new Error(console, { cause: new Error("waited 600 s in vain for the machine to be up") }));
  const [first = "", ...rest] = excerpt.split("\n");
  assert.equal(first, "Error: waited 600 s in vain for the machine to be up");
  assert.equal(rest.at(-1), "line 499");
  assert.ok(rest.length < 12, excerpt);
});

test("long lines and messages are cut; what is no error is shown as it is", () => {
  assert.equal(excerptOf("test timed out after 5 ms"), "test timed out after 5 ms");
  assert.ok(excerptOf(new Error("x".repeat(10_000))).length < 500);
  assert.ok(excerptOf(new Error("line\n".repeat(100))).split("\n").length <= 12);
});
