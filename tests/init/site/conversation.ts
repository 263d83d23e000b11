import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** A connection to an HTTP server without a socket: takes bytes, and returns all bytes of the answer. */
export type ServerConversation = {
  readonly exchange: (bytes: Uint8Array) => Promise<{ readonly bytes: Uint8Array; readonly closed: boolean }>;
  readonly hangUp: () => void;
};

/** Limit of turns of the event loop for an answer. */
const mostTurns = 100_000;

/** A connection to Node's own HTTP server with this listener. */
export function converse(listener: RequestListener): ServerConversation {
  const [client, server] = duplexPair();
  let pieces: Buffer[] = [];
  let pending = 0;
  let answered = 0;
  let closed = false;
  client.on("data", (piece: Buffer) => pieces.push(piece));
  client.on("end", () => {
    closed = true;
  });
  client.on("error", () => {
    closed = true;
  });
  // Keep-alive limits in seconds are meaningless, because the machine's time is simulated.
  const http = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response: ServerResponse) => {
    pending += 1;
    response.on("close", () => {
      pending -= 1;
      answered += 1;
    });
    listener(request, response);
  });
  http.emit("connection", server);

  return {
    hangUp: () => client.destroy(),
    exchange: async (bytes) => {
      const before = answered;
      client.write(bytes);
      let turns = 0;
      while (!closed && (answered === before || pending > 0) && turns < mostTurns) {
        await setImmediate();
        turns += 1;
      }
      // The server's last write is still on its way through the pair.
      for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      const whole = Buffer.concat(pieces);
      pieces = [];
      return { bytes: whole, closed };
    },
  };
}
