import { once } from "node:events";
import type { Server } from "node:http";

const lookMs = 10;
/**
 * How many looks answers that end by themselves, such as feeds that were told to, have time for. Where this process hardly gets a
 * processor, the looks are as late as the answers, and a time would be over before they could end.
 */
const graceLooks = 30;

/** Closes a server and its connections, including idle and hanging ones; those with an answer under way after a moment. */
export async function closeServer(
  server: Pick<Server, "close" | "closeAllConnections" | "closeIdleConnections" | "once">,
): Promise<void> {
  const closed = once(server as Server, "close");
  server.close();
  server.closeIdleConnections();
  // An answer that ends makes its connection idle, and Node closes those of a closing server late.
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    if (looks < graceLooks) server.closeIdleConnections();
    else server.closeAllConnections();
  }, lookMs);
  await closed;
  clearInterval(timer);
}
