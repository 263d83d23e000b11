/** Collects again and again, until it is killed; the argument has the paths. It says when it begins. */
import { collect } from "../../src/dominator/storage/collect/collect.ts";

const paths = JSON.parse(process.argv[2] ?? "{}");
process.stdout.write("collecting\n");
for (;;) await collect({ ...paths, isDryRun: false, olderThanMs: Number.POSITIVE_INFINITY });
