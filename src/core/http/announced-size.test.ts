import assert from "node:assert/strict";
import { test } from "node:test";
import { announcedSize } from "./announced-size.ts";

const sizeOf = (headers: { readonly [name: string]: string }) => announcedSize((name) => headers[name]);

test("a length is announced, unless the body comes in chunks", () => {
  assert.equal(sizeOf({ "content-length": "17" }), 17);
  assert.equal(sizeOf({ "content-length": "17", "transfer-encoding": "chunked" }), undefined);
  assert.equal(sizeOf({ "transfer-encoding": "chunked" }), undefined);
  assert.equal(sizeOf({}), undefined);
});
