import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "./event-reader.ts";

test("events are read whole, wherever the pieces end; comments are none", () => {
  const text =
    'retry: 2000\nid: 4\nevent: position\ndata: {"position":4}\n\n:\n\nid: 5\nevent: change\ndata: {"a: b":"c"}\n\n';
  const expected = [
    { id: "4", event: "position", data: '{"position":4}' },
    { id: "5", event: "change", data: '{"a: b":"c"}' },
  ];
  for (let length = 1; length <= text.length; length += 1) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += length) events.push(...reader.take(text.slice(at, at + length)));
    assert.deepEqual(events, expected, `pieces of ${length}`);
  }
});

test("an event without end is refused", () => {
  const reader = new EventReader();
  const piece = "x".repeat(1024 * 1024);
  assert.throws(() => {
    for (let n = 0; n < 17; n += 1) reader.take(piece);
  }, /longer than 16 MiB/);
});
