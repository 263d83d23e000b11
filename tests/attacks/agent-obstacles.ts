import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { type Sketch, type SubFixture, startSubFixture } from "../dominator/sub-fixture.ts";
import { giveAway } from "./attacker.ts";

const kernel: Sketch = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };

/** Makes the root a file system of its own; the test must be in a mount namespace of its own. */
export type RootMount = (root: string) => void;

/** A tmpfs with these options. */
export const asTmpfs =
  (options: string): RootMount =>
  (root) =>
    execFileSync("mount", ["-t", "tmpfs", "-o", `mode=755,${options}`, "tenant", root]);

/** A machine with an image: its root may be a file system of its own. */
export type InstalledMachine = SubFixture & {
  /** Imports the next version: what it has beside the kernel, and which of its paths belong to the user. */
  readonly next: (sketch: Sketch, ofUser?: readonly string[]) => Promise<string>;
  /** The image that the agent says is installed. */
  readonly patchedImage: () => string | undefined;
};

/** Installs the first version on a machine. */
export async function installedMachine(
  first: Sketch,
  { mount, ofUser = [] }: { readonly mount?: RootMount; readonly ofUser?: readonly string[] } = {},
): Promise<InstalledMachine> {
  const fixture = await startSubFixture();
  const { root } = fixture;
  if (mount !== undefined) remount(root, mount);
  for (const path of [dirname(root), root]) chmodSync(path, 0o755);
  const next = (sketch: Sketch, given: readonly string[] = []) =>
    fixture.importSketch({ ...kernel, ...sketch }, machineFilterLines, (source) => {
      for (const path of given) giveAway(join(source, path));
    });
  const patched = join(root, "var/lib/birther/patched-image");
  const patchedImage = () => (existsSync(patched) ? readFileSync(patched, "utf8").trim() : undefined);
  const installed = {
    ...fixture,
    next,
    patchedImage,
    [Symbol.asyncDispose]: async () => {
      if (mount !== undefined) execFileSync("umount", ["--lazy", root]);
      await fixture[Symbol.asyncDispose]();
    },
  };
  await next(first, ofUser);
  const { status, stdout, stderr } = await fixture.runAgent();
  if (status === 0) return installed;
  await installed[Symbol.asyncDispose]();
  throw new Error(`the first image: ${stdout}${stderr}`);
}

function remount(root: string, mount: RootMount): void {
  const old = `${root}.old`;
  renameSync(root, old);
  mkdirSync(root);
  mount(root);
  cpSync(old, root, { recursive: true, verbatimSymlinks: true });
}
