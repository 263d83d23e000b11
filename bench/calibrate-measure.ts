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

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A directory that is removed at the end, also when this process is told to stop. Its disks take several GiB. */
function ownDirectory(): Disposable & { readonly directory: string } {
  // Not /tmp, which may be in memory.
  const directory = mkdtempSync(join(process.env.TMPDIR ?? "/var/tmp", "birther-calibrate-"));
  const drop = () => rmSync(directory, { recursive: true, force: true });
  const stop = () => process.exit(130);
  process.on("exit", drop);
  for (const signal of signals) process.on(signal, stop);
  return {
    directory,
    [Symbol.dispose]: () => {
      process.off("exit", drop);
      for (const signal of signals) process.off(signal, stop);
      drop();
    },
  };
}

/** Measures one trial in a namespace and a directory of its own. */
export async function measure(
  of: Omit<Trial, "directory">,
): Promise<{ readonly files: BootFiles; readonly trial: Measured }> {
  say(`${of.machines} ${of.machines === 1 ? "machine" : "machines"}, uplink ${of.uplinkMbps ?? "without limit"}`);
  using own = ownDirectory();
  const { directory } = own;
  // As all figures of docs/simulate.md.
  await prepareDemo(directory, openSteps(process.stderr), { suite: "bookworm", system: "bookworm" });
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
}
