// What birther-agent does to fetch contents: request, verify, store. Arguments: root, port, file with the list of contents.
import { fetchObjects } from "../src/init/agent/objects/fetch.ts";
import { openObjectCache } from "../src/init/agent/objects/object-cache.ts";
import type { SubContext } from "../src/init/agent/sub-context.ts";
import { readText } from "../src/init/system/files.ts";
import { openHttp } from "../src/init/system/http.ts";

const [, root = "", port = "", list = ""] = scriptArgs;
const nothing = () => undefined;
const parts = { root, version: "bench", log: nothing, takeLines: () => [], alive: nothing, allowForRestart: nothing };
// The settings name servers; the connection is made here.
const context = parts as unknown as SubContext;
const http = openHttp({ address: "127.0.0.1", port: Number(port) });
fetchObjects(context, http, openObjectCache(context), { contents: JSON.parse(readText(list)), oneBatch: false });
