import { readFileSync } from "node:fs";

/** Our version, from package.json. */
export const version = String(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version);
