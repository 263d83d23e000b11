// What birther-agent does to fetch an image in a rack: its turn, the contents, and serving them until standard input ends.
// Arguments: root, settings, file with the list of contents. Prints a line when everything is there and verified.
import * as os from "os";
import * as std from "std";
import type { SubSettings } from "../src/contract/sub.ts";
import { openMdbConnection } from "../src/init/agent/mdb/connection.ts";
import { openMdbServers } from "../src/init/agent/mdb/servers.ts";
import { fetchObjects } from "../src/init/agent/objects/fetch.ts";
import { takeTurn } from "../src/init/agent/objects/fetch-turn.ts";
import { openObjectCache } from "../src/init/agent/objects/object-cache.ts";
import { openObjectServer } from "../src/init/agent/objects/object-server.ts";
import { openServing } from "../src/init/agent/peers/serving.ts";
import type { SubContext } from "../src/init/agent/sub-context.ts";
import { readText } from "../src/init/system/files.ts";

const [, root = "", settingsText = "{}", list = ""] = scriptArgs;
const nothing = () => undefined;
const context: SubContext = {
  ...{ root, settings: JSON.parse(settingsText) as SubSettings, version: "bench" },
  ...{ takeLines: () => [], alive: nothing, allowForRestart: nothing },
  log: (_level, message, facts) => {
    std.err.puts(`${Date.now() % 1000000} ${message} ${JSON.stringify(facts)}\n`);
    std.err.flush();
  },
};
const contents = JSON.parse(readText(list));
const cache = openObjectCache(context);
const serving = openServing(context, cache);
const servers = openMdbServers(context);
const turn = takeTurn(context, { mdb: openMdbConnection(context, servers), serving }, contents);
if (turn === undefined) throw new Error("the server does not let this machine fetch");
fetchObjects(context, openObjectServer(context, servers), cache, { contents, oneBatch: false, turn });
print("done");
std.out.flush();
os.read(0, new ArrayBuffer(1), 0, 1);
serving.stop();
