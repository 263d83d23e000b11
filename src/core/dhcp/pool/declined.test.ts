import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ipv4 } from "../../net/ipv4.ts";
import { ip, macOf } from "../../net/testing/addresses.ts";
import { type DeclinedAddress, declinedDocument, declinedIn, declinedLimit, declinedToDrop } from "./declined.ts";

const mac = macOf("525400000001");
const address = ip("10.77.0.50");
const until = (untilMs: number, last = 50): DeclinedAddress => ({
  address: (address - 50 + last) as Ipv4,
  mac,
  untilMs,
});

test("a document says all of a declined address, under its dotted quad", () => {
  const written = declinedDocument(until(7));
  assert.equal(written.key, "10.77.0.50");
  const document: typeof written.document = JSON.parse(JSON.stringify(written.document));
  assert.deepEqual([...declinedIn([{ ...written, document }]).values()], [until(7)]);
});

test("a document whose key is not an address is ignored", () => {
  assert.equal(declinedIn([{ ...declinedDocument(until(7)), key: "10.77.0.500" }]).size, 0);
});

test("dropped are those whose time is over, and of too many the ones that would come back first", () => {
  assert.deepEqual(declinedToDrop([until(11, 51), until(10, 50)], 10), [address]);
  const many = Array.from({ length: declinedLimit + 2 }, (_, n) => until(100_000 - n, 50 + n));
  assert.deepEqual(declinedToDrop(many, 10), [address + declinedLimit + 1, address + declinedLimit]);
});
