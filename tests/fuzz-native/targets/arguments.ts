// Calls of the module `host` with arguments of every kind: numbers at their limits, ranges outside of buffers, other types.
import * as host from "host";

/** Only calls that change nothing outside of this process, whatever they are given. */
const calls = [
  ...[host.sha256, host.sha512, host.randomBytes, host.tlsRead, host.tlsWrite, host.tlsClose, host.statfs],
  ...[host.objectsBegin, host.objectsFeed, host.objectsEnd, host.objectsKept, host.objectsForged, host.objectsForget],
];
const numbers = [0, -0, -1, 0.5, 1, 255, 256, 257, 4096, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1e308, Infinity, NaN];

function argumentOf(kind: number, value: number): unknown {
  switch (kind % 10) {
    case 0:
      return value;
    case 1:
      return numbers[value % numbers.length];
    case 2:
      return new ArrayBuffer(value);
    case 3:
      return new Uint8Array(value);
    case 4:
      return "x".repeat(value * 64);
    case 5:
      return undefined;
    case 6:
      return BigInt(value);
    case 7:
      return { valueOf: () => value };
    case 8:
      return [value, "y"];
    default:
      return String.fromCharCode(0xd800 + value, 0, value);
  }
}

Object.assign(globalThis, { take });

function take(input: ArrayBuffer): void {
  const bytes = new Uint8Array(input);
  const call = calls[(bytes[0] ?? 0) % calls.length];
  const list: unknown[] = [];
  for (let at = 1; at + 1 < bytes.length && list.length < 6; at += 2)
    list.push(argumentOf(bytes[at] ?? 0, bytes[at + 1] ?? 0));
  if (call !== undefined) Reflect.apply(call, undefined, list);
}
