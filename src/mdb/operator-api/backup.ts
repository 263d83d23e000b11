import type { Handlers } from "./handler.ts";

/** The route that hands out the whole MDB. */
export const backupHandlers: Handlers<"backup"> = {
  backup: async ({ c, deps, caller }) => {
    const { bytes, stream } = await deps.backup();
    deps.log("info", "a backup of the MDB is fetched", { by: caller.name, bytes });
    return c.body(stream, 200, { "content-type": "application/vnd.sqlite3", "content-length": String(bytes) });
  },
};
