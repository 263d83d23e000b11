import assert from "node:assert/strict";
import { test } from "node:test";
import { decideLoneSub, loneSubSeconds } from "./unreachable-mdb.ts";

const alone = { canGoBack: true, answered: false, elapsedMs: 0 };

test("PID 1 that was never answered says when it restarts, and restarts after ten minutes", () => {
  assert.deepEqual(decideLoneSub(alone), { kind: "restartLater", inSeconds: 600 });
  assert.deepEqual(decideLoneSub({ ...alone, elapsedMs: 599_500 }), { kind: "restartLater", inSeconds: 1 });
  assert.deepEqual(decideLoneSub({ ...alone, elapsedMs: loneSubSeconds * 1000 }), { kind: "restart" });
});

test("a server that goes away later restarts nobody, nor does a service ever", () => {
  assert.deepEqual(decideLoneSub({ ...alone, answered: true, elapsedMs: 1e9 }), { kind: "goOn" });
  assert.deepEqual(decideLoneSub({ ...alone, canGoBack: false, elapsedMs: 1e9 }), { kind: "goOn" });
});
