import { once } from "node:events";
import type { Server } from "node:http";

/** Ends a server and its connections, also those that wait for nothing or for ever. */
export async function closeServer(server: Pick<Server, "close" | "closeAllConnections" | "once">): Promise<void> {
  const closed = once(server as Server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
