import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { responseTo } from "../support/response-to.ts";

const mebibyte = 1024 * 1024;
const fileBytes = 20 * mebibyte;
const slowClients = 1000;
const stoppedClients = 30;

/** Bytes that wait to be sent, or to be acknowledged, on connections of one of our ports (proc_net_tcp.rst). */
function bytesInSendQueues(port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const connections = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return connections
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ours, , state]) => ours?.endsWith(end) && state === "01")
    .reduce((sum, [, , , , queues]) => sum + Number.parseInt(queues?.split(":")[0] ?? "0", 16), 0);
}

await insideNamespace(import.meta.url, () => {
  test("a fast client that stops reading leaves little in the kernel", async (t) => {
    execFileSync("ip", ["link", "set", "lo", "up"]);
    const files = new Map([["/initramfs.img", new Uint8Array(fileBytes)]]);
    await using server = await startHttpServer({
      ...{ addresses: ["127.0.0.1"], port: 0, files, handlers: [], onSent: () => {}, log: () => {} },
    });
    const sockets: Socket[] = [];
    for (let i = 0; i < stoppedClients; i += 1) {
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      await once(socket, "connect");
      socket.write("GET /initramfs.img HTTP/1.1\r\nHost: a\r\n\r\n");
      // Fast for long enough that its window and the kernel's buffers have grown.
      for (let received = 0; received < fileBytes / 2; ) received += (await once(socket, "data"))[0].length;
      socket.pause();
      sockets.push(socket);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const eachKiB = bytesInSendQueues(server.port) / stoppedClients / 1024;
    t.diagnostic(`${eachKiB.toFixed(0)} KiB of each wait to be sent`);
    assert.ok(eachKiB > 0 && eachKiB < 512, `${eachKiB} KiB of each client`);
    for (const socket of sockets) socket.destroy();
  });

  test("1,000 clients that hardly read: memory stays flat, others are served", async (t) => {
    execFileSync("ip", ["link", "set", "lo", "up"]);
    // Small kernel buffers; otherwise a thousand clients would have gigabytes in flight before they are slow.
    for (const name of ["tcp_rmem", "tcp_wmem"]) writeFileSync(`/proc/sys/net/ipv4/${name}`, "4096 16384 65536");
    const files = new Map([["/initramfs.img", new Uint8Array(fileBytes).fill(7)]]);
    const log = () => {};
    await using server = await startHttpServer({
      ...{ addresses: ["127.0.0.1"], port: 0, files, handlers: [], onSent: () => {}, log },
    });
    const memory = () => process.memoryUsage().rss;
    const beforeBytes = memory();
    const sockets: Socket[] = [];
    for (let i = 0; i < slowClients; i += 1) {
      // An address of its own, as each machine has: the server limits the connections of one.
      const localAddress = `127.1.${i >> 8}.${i & 255}`;
      const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
      await once(socket, "connect");
      socket.write("GET /initramfs.img HTTP/1.1\r\nHost: a\r\n\r\n");
      // It reads the first bytes and then nothing, so only what the kernel can hold is in flight.
      await once(socket, "data");
      socket.pause();
      sockets.push(socket);
    }
    const grownMiB = (memory() - beforeBytes) / mebibyte;
    t.diagnostic(`${slowClients} slow clients: ${grownMiB.toFixed(0)} MiB more in this process, clients included`);
    assert.ok(
      grownMiB < 400,
      `${grownMiB} MiB for ${slowClients} clients: as copies they would be ${slowClients * 20}`,
    );
    for (let i = 0; i < 5; i += 1) {
      const response = await responseTo(get({ port: server.port, host: "127.0.0.1", path: "/initramfs.img" }));
      let received = 0;
      for await (const piece of response) received += piece.length;
      assert.equal(received, fileBytes);
    }
    for (const socket of sockets) socket.destroy();
  });
});
