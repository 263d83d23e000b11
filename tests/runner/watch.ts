import { watch as watchFolder } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { beginAgain, endChildrenOnSignals, endForChange } from "./children.ts";

const watchedFolders = ["src", "tests"] as const;
/** Editors write a file in several steps. */
const settleMs = 200;

/** Runs, and runs again after each change of a file, until a signal. A change ends a run that is under way. */
export async function watch(run: () => Promise<number>, say: (line: string) => void): Promise<number> {
  const closing = new AbortController();
  let changed = Promise.withResolvers<string>();
  let underWay = false;
  endChildrenOnSignals((signal) => changed.resolve(signal));
  for (const folder of watchedFolders) {
    watchFolder(folder, { recursive: true, signal: closing.signal }, (_event, name) => {
      if (name === null || !/\.(ts|js|c|pcap|bin)$/.test(name)) return;
      changed.resolve(`${folder}/${name}`);
      if (underWay) endForChange();
    });
  }
  for (;;) {
    underWay = true;
    const status = await run();
    underWay = false;
    say("\nwaiting for a change; Ctrl-C ends");
    const name = await changed.promise;
    if (!beginAgain()) {
      closing.abort();
      return status;
    }
    await sleep(settleMs);
    changed = Promise.withResolvers();
    say(`\n${name} changed`);
  }
}
