// A server's side of a TLS connection, from its first byte, and the certificates of a CA file.
import * as host from "host";
import * as os from "os";
import { bytesFromText, textFromBytes } from "../../../src/core/bytes/text.ts";

/** What the harness gives: a socket that delivers these bytes, and the text of a CA file. */
declare const socketWith: (bytes: ArrayBuffer) => number;
declare const AUTHORITY: string;

const mark = bytesFromText("-----BEGIN");
Object.assign(globalThis, { take });

function take(input: ArrayBuffer): void {
  const bytes = new Uint8Array(input);
  const isCaFile = mark.every((byte, index) => bytes[index] === byte);
  const fd = socketWith(isCaFile ? new ArrayBuffer(0) : input);
  let handle: number | undefined;
  try {
    handle = host.tlsOpen(fd, isCaFile ? textFromBytes(bytes) : AUTHORITY, "birther");
    host.tlsRead(handle, new ArrayBuffer(4096), 0, 4096);
  } finally {
    if (handle === undefined) os.close(fd);
    else host.tlsClose(handle);
  }
}
