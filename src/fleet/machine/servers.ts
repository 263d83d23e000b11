import type { Installed, World } from "../world.ts";

/** As src/init/agent/mdb/servers.ts. */
export function turnToNext(disk: Installed): void {
  const { servers, server } = disk;
  disk.server = servers[(servers.indexOf(server) + 1) % servers.length] ?? server;
}

/** Which servers these are. */
export function serversAt(world: World, mdbs: readonly string[]): readonly number[] {
  return mdbs.flatMap((text) => world.serverAt(text.replace(/:\d+$/, "")) ?? []);
}
