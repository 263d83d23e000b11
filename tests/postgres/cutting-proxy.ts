import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where PostgreSQL's clients look for the socket in a directory, at their default port. */
const socketName = ".s.PGSQL.5432";

/** A proxy to PostgreSQL that can cut connections at the worst moments. */
export type CuttingProxy = AsyncDisposable & {
  readonly directory: string;
  /** The next COMMIT is lost on its way (`before`), or arrives and its answer is lost (`after`). */
  readonly cutCommit: (when: "before" | "after") => void;
  readonly cuts: () => number;
};

/** Opens a proxy to the socket in a directory. */
export async function startCuttingProxy(serverDirectory: string): Promise<CuttingProxy> {
  const directory = mkdtempSync(join(tmpdir(), "birther-cut-"));
  let armed: "before" | "after" | undefined;
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(join(serverDirectory, socketName));
    let swallow = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", end).on("close", () => {
        open.delete(socket);
        end();
      });
    }
    client.on("data", (bytes: Buffer) => {
      if (armed !== undefined && bytes.includes("COMMIT\0")) {
        cuts += 1;
        swallow = armed === "after";
        armed = undefined;
        if (!swallow) return end();
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes: Buffer) => {
      if (swallow) end();
      else client.write(bytes);
    });
  });
  server.listen(join(directory, socketName));
  await once(server, "listening");
  return {
    directory,
    cutCommit: (when) => {
      armed = when;
    },
    cuts: () => cuts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
