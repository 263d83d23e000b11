/**
 * The relay of all machines, in a thread of its own: how long an answer takes is measured here, where nothing else is done.
 * Receives datagrams with their server; sends each answer with its milliseconds.
 */

import { createSocket } from "node:dgram";
import { parentPort } from "node:worker_threads";
import { router } from "./arrival-site.ts";

export type ToRelay = { readonly bytes: Uint8Array; readonly server: string };
export type FromRelay = { readonly bytes: Uint8Array; readonly key: string; readonly ms: number };

const at = { hops: 3, xid: 4, giaddr: 24, chaddr: 28 } as const;
/** PXE firmware's longest pause between two attempts. */
const keptMs = 32_000;

/** Which exchange a message belongs to: its transaction and its machine. */
export function exchangeKey(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString("latin1", at.xid, at.xid + 4) + buffer.toString("latin1", at.chaddr, at.chaddr + 6);
}

if (parentPort !== null) {
  const port = parentPort;
  const socket = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
  const sentMs = new Map<string, number>();
  socket.on("message", (bytes, { address }) => {
    const key = exchangeKey(bytes);
    const began = sentMs.get(`${address} ${key}`);
    if (began === undefined) return;
    port.postMessage({ bytes, key, ms: performance.now() - began } satisfies FromRelay);
  });
  await new Promise<void>((resolve) => socket.bind(67, router, resolve));
  port.on("message", ({ bytes, server }: ToRelay) => {
    bytes[at.hops] = 1;
    for (const [n, part] of router.split(".").entries()) bytes[at.giaddr + n] = Number(part);
    const name = `${server} ${exchangeKey(bytes)}`;
    const began = performance.now();
    sentMs.set(name, began);
    setTimeout(() => {
      if (sentMs.get(name) === began) sentMs.delete(name);
    }, keptMs).unref();
    socket.send(bytes, 67, server);
  });
  port.postMessage("ready");
}
