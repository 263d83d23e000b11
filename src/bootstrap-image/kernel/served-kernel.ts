import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";

/** Debian's kernel for arm64 is not compressed: 37.8 MB of 6.12, of which 13.7 MB are left. */
const plainKernels: ReadonlySet<MachineArchitecture> = new Set(["arm64"]);

/**
 * The kernel as the Boot Server hands it out: Debian's own, or compressed by gzip. iPXE for arm64 decompresses an image before it
 * starts it (IMAGE_GZIP, which its config/defaults/efi.h sets for that architecture).
 */
export async function servedKernel(
  kernel: Uint8Array,
  { architecture, cacheDirectory }: { readonly architecture: MachineArchitecture; readonly cacheDirectory: string },
): Promise<Uint8Array> {
  if (!plainKernels.has(architecture)) return kernel;
  const directory = await cached(cacheDirectory, `gzip-kernel-${keyOf([kernel])}`, async (draft) =>
    writeFile(join(draft, "vmlinuz.gz"), await runCommand(["gzip", "-9n"], { input: kernel })),
  );
  return await readFile(join(directory, "vmlinuz.gz"));
}
