import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/**
 * A port of the loopback interface that nobody listens on, and that nobody gets until this process ends: it is below those that the
 * kernel gives to sockets without a port of their own (ip(7), ip_local_port_range), and other tests that ask here get others. A
 * port that a socket had and gave back is free for every program on the computer before it is bound again.
 */
export async function freePort(): Promise<number> {
  const [first = 0] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split("\t").map(Number);
  for (let tries = 0; tries < 1000; tries += 1) {
    const port = randomInt(Math.floor(first / 2), first);
    // An abstract name (unix(7)) goes with its process, and is as private to a network namespace as the port.
    const isReserved = await isBound({ path: `\0birther-test-port-${port}` }, "keep");
    if (isReserved && (await isBound({ host: "127.0.0.1", port }, "close"))) return port;
  }
  return assert.fail(`expected a free port below ${first}`);
}

/** Whether a socket could be bound there; kept, it does not keep this process alive. */
async function isBound(at: { readonly path: string } | { readonly host: string; readonly port: number }, then: string) {
  const server = createServer().listen({ ...at });
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.unref();
  if (then === "keep") return true;
  const closed = once(server, "close");
  server.close();
  await closed;
  return true;
}
