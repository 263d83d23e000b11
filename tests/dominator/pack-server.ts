import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { SubFixture } from "./sub-fixture.ts";

/** The pack of a fixture that a request is for. */
export function packAt({ directories }: SubFixture, { url = "" }: IncomingMessage): Buffer {
  return readFileSync(join(directories.objects, "packs", url.replace("/packs/", "")));
}

/** Lets a server listen on a free port of the loopback address, until it is disposed of. */
export async function listening(server: Server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
