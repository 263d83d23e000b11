import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Presence } from "../../core/machine/health/repair.ts";
import { neighboursIn } from "../../core/net/arp-table.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";

/** A port that most machines have open or closed; both answer. A firewall that drops it is told apart by ARP. */
const probedPort = 22;
const tries = 3;
/** Longer than the kernel takes to notice that a neighbour is gone: 5 s until it asks again, and 3 requests. */
const tryMs = 9000;
const pauseMs = 1000;
/** Errors that only a host which is there can cause. */
const answeredBy: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET"]);
const silentBy: ReadonlySet<string> = new Set(["EHOSTUNREACH", "EHOSTDOWN", "ETIMEDOUT"]);

/**
 * Whether a host is at an address, without privileges: a TCP connection that is accepted or refused, or an answer to ARP. It
 * asks for up to half a minute before it says `silent`. A forged answer keeps a machine from being repaired, nothing else.
 */
export async function probeAddress(address: Ipv4, port = probedPort): Promise<Presence> {
  const dotted = formatIpv4(address);
  for (let done = 0; done < tries; done += 1) {
    if (done > 0) await wait(pauseMs, undefined, { ref: false });
    const found = await tryConnection(dotted, port);
    if (found !== "silent") return found;
    const neighbours = neighboursIn(await readFile("/proc/net/arp", "utf8"), dotted);
    if (neighbours.some(({ isComplete }) => isComplete)) return "answers";
  }
  return "silent";
}

function tryConnection(host: string, port: number): Promise<Presence> {
  const { promise, resolve } = Promise.withResolvers<Presence>();
  const socket: Socket = connect({ host, port, timeout: tryMs });
  socket.unref();
  socket.on("connect", () => resolve("answers"));
  socket.on("timeout", () => resolve("silent"));
  socket.on("error", ({ code = "" }: NodeJS.ErrnoException) => {
    if (answeredBy.has(code)) resolve("answers");
    else resolve(silentBy.has(code) ? "silent" : "unknown");
  });
  return promise.finally(() => socket.destroy());
}
