/** Our TFTP server as a process of its own, over the files of a directory. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startTftpServer } from "../src/boot-server/tftp/server.ts";
import { openLog } from "../src/log/structured-log.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";

const [directory = "", address = ""] = process.argv.slice(2);
const files = new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))] as const));
const log = openLog({ json: false, least: "info" });
const server = await startTftpServer({ addresses: [address], files, onSent: () => {}, clock, log });
process.once("SIGTERM", () => void server[Symbol.asyncDispose]().then(() => process.exit(0)));
