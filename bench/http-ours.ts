/** Our HTTP server as a process of its own, with one file in memory. */
import { readFileSync } from "node:fs";
import { startHttpServer } from "../src/boot-server/http/server.ts";
import { openLog } from "../src/log/structured-log.ts";

const [path = "", address = ""] = process.argv.slice(2);
const log = openLog({ json: false, least: "info" });
const files = new Map([["/body", readFileSync(path)]]);
const server = await startHttpServer({ addresses: [address], port: 80, files, handlers: [], onSent: () => {}, log });
process.once("SIGTERM", () => void server[Symbol.asyncDispose]().then(() => process.exit(0)));
