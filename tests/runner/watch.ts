import { watch as watchFolder } from "node:fs";
import { endChildren, wasInterrupted } from "./children.ts";

const watchedFolders = ["src", "tests"] as const;
/** Editors write a file in several steps. */
const settleMs = 200;

/** Runs, and runs again after each change of a file, until Ctrl-C. A change ends a run that is under way. */
export async function watch(run: () => Promise<number>, say: (line: string) => void): Promise<number> {
  let changed = Promise.withResolvers<string>();
  let underWay = false;
  for (const folder of watchedFolders) {
    watchFolder(folder, { recursive: true }, (_event, name) => {
      if (name === null || !/\.(ts|js|c|pcap|bin)$/.test(name)) return;
      if (underWay) endChildren();
      changed.resolve(`${folder}/${name}`);
    });
  }
  for (;;) {
    underWay = true;
    const status = await run();
    underWay = false;
    if (wasInterrupted()) return status;
    say("\nwaiting for a change; Ctrl-C ends");
    const name = await changed.promise;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    changed = Promise.withResolvers();
    say(`\n${name} changed`);
  }
}
