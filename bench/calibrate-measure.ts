import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openImageStore } from "../src/dominator/storage/image-store.ts";
import { startInNamespace } from "../src/lab/namespace.ts";
import { prepareDemo } from "../src/main/demo/prepare-demo.ts";
import { openSteps } from "../src/main/demo/steps.ts";
import { pathsIn } from "../src/main/paths.ts";
import { type BootFiles, bootFilesIn } from "./calibrate-predict.ts";
import type { Measured, Trial } from "./calibrate-rack.ts";
import { say } from "./environment.ts";

/** Measures one trial in a namespace and a directory of its own. */
export async function measure(
  of: Omit<Trial, "directory">,
): Promise<{ readonly files: BootFiles; readonly trial: Measured }> {
  say(`${of.machines} ${of.machines === 1 ? "machine" : "machines"}, uplink ${of.uplinkMbps ?? "without limit"}`);
  // Not /tmp, which may be in memory: the disks take several GiB.
  const directory = mkdtempSync(join(process.env.TMPDIR ?? "/var/tmp", "birther-calibrate-"));
  try {
    await prepareDemo(directory, openSteps(process.stderr));
    const state = join(directory, "state");
    const images = await openImageStore(pathsIn(state).images, { log: () => {} });
    writeFileSync(join(directory, "image-bytes"), String(images.get("compute/1")?.bytes));
    const script = fileURLToPath(new URL("calibrate-rack.ts", import.meta.url));
    const trial = JSON.stringify({ ...of, directory } satisfies Trial);
    const child = startInNamespace([process.execPath, "--disable-warning=ExperimentalWarning", script, trial]);
    const [status] = await once(child, "exit");
    if (status !== 0) throw new Error(`a trial with ${of.machines} machines failed; its log is above`);
    const measured = JSON.parse(readFileSync(join(directory, "measured.json"), "utf8")) as Measured;
    return { files: bootFilesIn(state), trial: measured };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
