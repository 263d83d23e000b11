import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** A connection to an HTTP server without a socket: takes bytes, and returns all bytes of the answer. */
export type ServerConversation = {
  readonly exchange: (bytes: Uint8Array) => Promise<{ readonly bytes: Uint8Array; readonly closed: boolean }>;
  readonly hangUp: () => void;
};

/** Limit for an answer, in real time: shorter than the limit of the test's thread, so that the request is named. */
const limitMs = 45_000;

/** A connection to Node's own HTTP server with this listener. */
export function converse(listener: RequestListener): ServerConversation {
  const [client, server] = duplexPair();
  let pieces: Buffer[] = [];
  let pending = 0;
  let answered = 0;
  let closed = false;
  let asked = "a request that never began";
  let progressed: () => void = () => undefined;
  const close = () => {
    closed = true;
    progressed();
  };
  client.on("data", (piece: Buffer) => pieces.push(piece));
  client.on("end", close);
  client.on("error", close);
  // Keep-alive limits in seconds are meaningless, because the machine's time is simulated.
  const http = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response: ServerResponse) => {
    pending += 1;
    asked = `${request.method} ${request.url}`;
    response.on("close", () => {
      pending -= 1;
      answered += 1;
      progressed();
    });
    listener(request, response);
  });
  http.emit("connection", server);

  /** Waits for the whole answer. A slow disk must not look like a silent server, which a machine would turn away from. */
  function answerAfter(before: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`the server has not answered ${asked} for ${limitMs / 1000} s`));
      const timer = setTimeout(late, limitMs);
      progressed = () => {
        if (!closed && (answered === before || pending > 0)) return;
        clearTimeout(timer);
        resolve();
      };
      progressed();
    });
  }
  return {
    hangUp: () => client.destroy(),
    exchange: async (bytes) => {
      const before = answered;
      client.write(bytes);
      await answerAfter(before);
      // The server's last write is still on its way through the pair.
      for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      const whole = Buffer.concat(pieces);
      pieces = [];
      return { bytes: whole, closed };
    },
  };
}
