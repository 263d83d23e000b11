import { once } from "node:events";
import type { Server } from "node:http";

/** What answers that end by themselves, such as feeds that were told to, have time for. */
const graceMs = 300;

/** Closes a server and its connections, including idle and hanging ones; those with an answer under way after a moment. */
export async function closeServer(
  server: Pick<Server, "close" | "closeAllConnections" | "closeIdleConnections" | "once">,
): Promise<void> {
  const closed = once(server as Server, "close");
  server.close();
  server.closeIdleConnections();
  // An answer that ends makes its connection idle, and Node closes those of a closing server late.
  const idle = setInterval(() => server.closeIdleConnections(), 10);
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
