import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";

/** The port of the dashboard on this computer's loopback; another one if it is taken. */
const usualPort = 8443;
const loopback = "127.0.0.1";

/** Connects browsers of this computer with the dashboard of the namespace, through a socket in the demo's directory. */
export async function openHostRelay(directory: string): Promise<AsyncDisposable & { readonly base: string }> {
  const target = { path: socketIn(directory) };
  const relay = await startRelay({ host: loopback, port: usualPort }, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
    return startRelay({ host: loopback, port: 0 }, target);
  });
  const address = relay.server.address();
  if (address === null || typeof address === "string") throw new Error("the dashboard's relay has no port");
  return { base: `https://${loopback}:${address.port}`, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** The end inside the namespace, where the server's port for operators is. */
export async function openInnerRelay(directory: string, port: number): Promise<AsyncDisposable> {
  const path = socketIn(directory);
  await rm(path, { force: true });
  return await startRelay({ path }, { host: loopback, port });
}

function socketIn(directory: string): string {
  return join(directory, "dashboard.sock");
}

const connectionLimit = 200;
type Relay = AsyncDisposable & { readonly server: Server };

async function startRelay(from: ListenOptions, to: NetConnectOpts): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(to);
    for (const one of [socket, other]) {
      sockets.add(one);
      one.once("close", () => sockets.delete(one));
    }
    // A browser sees a cut connection as such; there is nothing else to say about it.
    pipeline(socket, other, socket, () => {});
  });
  server.maxConnections = connectionLimit;
  await once(server.listen(from), "listening");
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
