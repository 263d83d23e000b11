import type { RequestListener, Server } from "node:http";
import { unreadableAnswer } from "../../core/network/security-headers.ts";

/**
 * Makes a server answer with this listener, and every answer carry these headers: also those to what is not a readable
 * request, and to requests with expectations, which are ignored (RFC 9110 §10.1.1).
 */
export function guardAnswers(
  server: Pick<Server, "on">,
  headers: { readonly [name: string]: string },
  listener: RequestListener,
): void {
  const answer: RequestListener = (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    listener(request, response);
  };
  server.on("request", answer);
  server.on("checkExpectation", answer);
  server.on("clientError", ({ code }: NodeJS.ErrnoException, socket) => {
    if (socket.writable) socket.end(unreadableAnswer(code, headers), () => socket.destroy());
    else socket.destroy();
  });
}
