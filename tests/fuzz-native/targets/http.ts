// Answers of a server: head, body of every kind of length, and the answer behind it on the same connection.
import { readResponses } from "../../../src/init/system/http-message.ts";

Object.assign(globalThis, { take });

function take(input: ArrayBuffer): void {
  const bytes = new Uint8Array(input);
  // The first byte says in which pieces the rest arrives.
  const step = 1 + (bytes[0] ?? 0);
  let at = 1;
  const read = (buffer: Uint8Array, offset: number, length: number) => {
    const piece = bytes.subarray(at, at + Math.min(step, length));
    buffer.set(piece, offset);
    at += piece.length;
    return piece.length;
  };
  const reader = readResponses({ read, write: () => {}, close: () => {} });
  for (let answers = 0; answers < 3; answers++) {
    const head = reader.readHead();
    reader.readBody(head, () => {});
    if (!head.keepAlive) break;
  }
}
