import assert from "node:assert/strict";
import { test } from "node:test";
import { type DocumentRow, readDocument } from "./read-document.ts";

const row = (kind: string, document: unknown): DocumentRow => ({
  ...{ kind, key: "k", position: 3 },
  document: document === null || typeof document === "string" ? document : JSON.stringify(document),
});
const at = (kind: string) => ({ kind, key: "k", position: 3 });
const token = { role: "viewer", createdAtMs: 1, createdBy: "ann", tokenHash: "00" };

test("a document keeps what a newer version added; a dropped one has no contents", () => {
  const document = { ...token, colour: "red" };
  assert.deepEqual(readDocument(row("token", document)), { ...at("token"), document });
  assert.deepEqual(readDocument(row("token", null)), at("token"));
});

test("a kind that only newer servers know is not read", () => {
  assert.deepEqual(readDocument(row("colour", { red: 1 })), at("colour"));
  assert.deepEqual(readDocument(row("toString", { red: 1 })), at("toString"));
});

const damaged: readonly (readonly [kind: string, document: unknown, fault: RegExp])[] = [
  ["token", '{"role":', /^expected JSON, found/],
  ["token", { ...token, role: "owner" }, /^role: expected .*found "owner"$/],
  ["authority", {}, /^fingerprint: expected "fingerprint", found undefined$/],
  ["lesson", { vendor: "Dull" }, /^product: expected/],
  ["webhook", { url: 7 }, /^.*: expected/],
  ["imageStream", { stream: "compute" }, /^current: expected/],
];
for (const [kind, document, fault] of damaged)
  test(`a damaged ${kind} is named: ${JSON.stringify(document)}`, () => {
    const { fault: found = "", ...rest } = readDocument(row(kind, document));
    assert.match(found, fault);
    assert.deepEqual(rest, at(kind));
  });
