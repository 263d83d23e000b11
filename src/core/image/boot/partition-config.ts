import type { MachineArchitecture } from "../../machine/architecture.ts";
import { configHead, consoleSetup, menuEntry, type RootDevice, restartEntry } from "./grub.ts";
import { bootPartition, kernelArgument, type StoredKernel } from "./kernel-store.ts";
import { shortId } from "./kernel-trial.ts";

/** The variable in GRUB's environment block that names the kernel to be tried once. */
export const tryVariable = "birther_try";

/** The inputs of `partitionConfig`. */
export type PartitionConfig = {
  readonly firmware: "bios" | "uefi";
  readonly root: RootDevice;
  readonly architecture?: MachineArchitecture;
  /** The default first, then those to fall back on. */
  readonly kernels: readonly StoredKernel[];
  /** The kernel that GRUB starts once if the environment block names it. */
  readonly candidate?: string;
};

/**
 * Writes grub.cfg for the kernels on the boot partition, which is GRUB's root. GRUB clears the mark before it tries the candidate, so
 * that a panic or a reset leads back to the default. If it cannot write to the disk, it does not try: the kernel might never come up.
 */
export function partitionConfig({ firmware, root, architecture, kernels, candidate }: PartitionConfig): string {
  const entries = kernels.map((kernel) =>
    menuEntry({
      title: `Linux ${kernel.version} (${shortId(kernel.id)})`,
      kernel: pathOf(kernel, kernel.kernel),
      initrds: [kernel.initrd, ...(root.kind === "plain" ? [] : [root.unlockInitrd])].map((name) =>
        pathOf(kernel, name),
      ),
      root,
      ...(architecture === undefined ? {} : { architecture }),
      more: kernelArgument(kernel.id),
    }),
  );
  const others = (first: number) => [...entries.keys(), entries.length].filter((each) => each !== first).join(" ");
  const index = kernels.findIndex(({ id }) => id === candidate);
  const block = bootPartition.environment;
  const trial = `load_env -f ${block} ${tryVariable}
if [ "$${tryVariable}" = "${candidate}" ]; then
  set ${tryVariable}=
  if save_env -f ${block} ${tryVariable}; then
    set default=${index}
    set fallback="${others(index)}"
  fi
fi
`;
  return `${configHead}${consoleSetup(firmware)}set default=0
set fallback="${others(0)}"
set timeout=0
${index < 0 ? "" : trial}${entries.join("")}${restartEntry}`;
}

function pathOf({ id }: StoredKernel, name: string): string {
  return `${bootPartition.kernels}/${id}/${name}`;
}
