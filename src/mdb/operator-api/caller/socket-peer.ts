import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import koffi from "koffi";

const getsockopt = koffi.load("libc.so.6").func("int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)");

// asm-generic/socket.h; struct ucred is pid, uid and gid, 32 bits each (unix(7)).
const socketLevel = 1;
const peerCredentials = 17;
const credentialBytes = 12;

/**
 * The name of the user whose process opened a connection on a Unix socket, or the user's number if /etc/passwd has no
 * name.
 */
export function userOfPeer(socket: Socket): string {
  const fd = descriptorOf(socket);
  const bytes = new Uint8Array(credentialBytes);
  if (getsockopt(fd, socketLevel, peerCredentials, bytes, [credentialBytes]) !== 0) {
    throw new Error(`reading the user of a Unix socket connection failed: SO_PEERCRED, errno ${koffi.errno()}`);
  }
  const uid = new DataView(bytes.buffer).getUint32(4, true);
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? String(uid);
}

/** Node has no public way to a socket's descriptor, and none to SO_PEERCRED. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle === "object" && handle !== null && "fd" in handle && typeof handle.fd === "number")
    return handle.fd;
  throw new Error("the user behind a connection cannot be told: the connection is closed");
}
