// Texts of a server as the agent reads them: UTF-8, JSON, and back.
import { decodeUtf8, encodeUtf8 } from "../../../src/core/bytes/utf8.ts";

Object.assign(globalThis, { take });

function take(input: ArrayBuffer): void {
  const text = decodeUtf8(new Uint8Array(input));
  encodeUtf8(text);
  encodeUtf8(JSON.stringify(JSON.parse(text)));
}
