import type { Server, Socket } from "node:net";

/**
 * Handshakes that begin in one turn of the event loop. One costs about a millisecond of processor time, with the answer to the first
 * request: when thousands of machines connect at the same moment, packets must not wait for all of them.
 */
const begunPerTurn = 4;

/**
 * Has a server begin with a few new connections in each turn of the event loop, in the order in which their first bytes came. `admit` sees
 * each connection as soon as it is there, and says whether to go on with it; one that sends nothing within `silentMs` is ended.
 */
export function paceConnections(
  server: Server,
  { admit, silentMs }: { readonly admit: (socket: Socket) => boolean; readonly silentMs: number },
): void {
  const begin = server.listeners("connection") as ((socket: Socket) => void)[];
  const waiting: Socket[] = [];
  let next = 0;
  const turn = () => {
    for (let count = 0; count < begunPerTurn && next < waiting.length; next += 1) {
      const socket = waiting[next];
      if (socket === undefined || socket.destroyed) continue;
      count += 1;
      for (const listener of begin) listener.call(server, socket);
    }
    if (next < waiting.length) {
      setImmediate(turn);
      return;
    }
    waiting.length = 0;
    next = 0;
  };
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    if (!admit(socket)) return;
    const end = () => void socket.destroy();
    socket.setTimeout(silentMs, end);
    // Of a client that has gone, which nobody else hears of yet.
    socket.on("error", end);
    socket.once("readable", () => {
      socket.setTimeout(0);
      socket.off("timeout", end);
      waiting.push(socket);
      if (waiting.length === 1) setImmediate(turn);
    });
  });
}
