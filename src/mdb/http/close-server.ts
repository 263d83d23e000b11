import { once } from "node:events";
import type { Server } from "node:http";

/** Closes a server and its connections, including idle and hanging ones. */
export async function closeServer(server: Pick<Server, "close" | "closeAllConnections" | "once">): Promise<void> {
  const closed = once(server as Server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
