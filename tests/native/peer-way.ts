import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { startPeerServer } from "./peer-server.ts";

/** What is between a machine and a peer: what it does with what the machine asks and the peer sends. */
export type Way = {
  readonly passes: (bytes: Buffer, sentBytes: number) => Buffer | "breaks" | "nothing";
  readonly asks?: (bytes: Buffer) => Buffer;
};
export const straight: Way = { passes: (bytes) => bytes };

/** A peer with these contents, behind a way that counts what it sent. */
export async function startPeer(
  way: Way,
  of: { readonly key: string; readonly bytesPerSecond: number; readonly contents: readonly Buffer[] },
) {
  const server = await startPeerServer();
  server.set(of.key, { bytesPerSecond: of.bytesPerSecond });
  for (const content of of.contents) await server.store(content);
  let sentBytes = 0;
  const sockets = new Set<Socket>();
  const front = createServer((socket) => {
    const peer = connect({ port: server.port, host: "127.0.0.1" });
    for (const one of [socket, peer]) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => sockets.delete(one));
    }
    socket.on("data", (bytes: Buffer) => void peer.write(way.asks?.(bytes) ?? bytes));
    peer.on("data", (bytes: Buffer) => {
      const passed = way.passes(bytes, sentBytes);
      if (passed === "breaks") {
        front.close();
        socket.destroy();
        return;
      }
      if (passed === "nothing") return;
      sentBytes += passed.length;
      socket.write(passed);
    });
    peer.on("end", () => {
      if (way.passes(Buffer.alloc(0), sentBytes) !== "nothing") socket.end();
    });
    socket.on("close", () => peer.destroy());
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  return {
    endpoint: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    sentBytes: () => sentBytes,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      front.close();
      await server.close();
    },
  };
}
