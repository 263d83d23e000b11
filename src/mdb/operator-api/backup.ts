import { asFile } from "../http/as-file.ts";
import type { Handlers } from "./handler.ts";

/** The route that returns the whole MDB. */
export const backupHandlers: Handlers<"backup"> = {
  backup: async ({ c, deps, caller }) => {
    const { bytes, stream } = await deps.backup();
    // Hono answers HEAD as GET and drops the body, which would hold the file open.
    if (c.req.method === "HEAD") await stream.cancel();
    deps.log("info", "MDB backup downloaded", { by: caller.name, bytes });
    return c.body(stream, 200, {
      ...{ "content-type": "application/vnd.sqlite3", "content-length": String(bytes) },
      ...asFile("birther-mdb.sqlite"),
    });
  },
};
