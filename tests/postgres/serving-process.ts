/** A process that is a whole server with the configuration of a file, until it gets SIGTERM. Its boot files must be there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { checkConfig, formatFault } from "../../src/contract/config/parse.ts";
import { startServer } from "../../src/main/server/server.ts";

const [path = assert.fail()] = process.argv.slice(2);
const checked = checkConfig(JSON.parse(readFileSync(path, "utf8")));
if (checked.kind !== "config") assert.fail(checked.faults.map(formatFault).join("; "));
const server = await startServer({ config: checked.config, log: () => {} });
process.once("SIGTERM", () => void server[Symbol.asyncDispose]());
