import type { SubSettings } from "../../../contract/sub.ts";
import { isSecureBootOn } from "../../../core/hardware/scan.ts";
import { type BootKernel, bootKernels, type RootDevice } from "../../../core/image/boot/grub.ts";
import { bootPartition } from "../../../core/image/boot/kernel-store.ts";
import { isSigned } from "../../../core/image/signature.ts";
import { rootArrayName, rootMapperName } from "../../../core/install/paths.ts";
import { encryptionOf } from "../../../core/install/root-volume.ts";
import { systemTree } from "../../device/tree.ts";
import { list, readBytes } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { unsignedKernel } from "../update/check-update.ts";

/**
 * The kernels in /boot, newest first, without the paths that are about to be removed. Throws if there is none, or if the firmware
 * would not start the newest.
 */
export function bootableKernels(
  { root }: SubContext,
  image: string,
  going: ReadonlySet<string>,
): readonly [BootKernel, ...BootKernel[]] {
  const boot = `${root}${agentPaths.boot}`;
  const [kernel, ...others] = bootKernels(list(boot).filter((name) => !going.has(`${agentPaths.boot}/${name}`)));
  if (kernel === undefined)
    throw new Error(
      `image ${image}: expected a kernel with an initrd in ${agentPaths.boot}, found none; this machine could not boot it`,
    );
  // Only the machine's own root, because this firmware never starts another tree.
  if (root === "" && isSecureBootOn(systemTree) && !isSigned(readBytes(`${boot}/${kernel.kernel}`)))
    throw new Error(unsignedKernel(image, kernel));
  return [kernel, ...others];
}

/** Where the kernel finds the root. */
export function rootDevice({ root }: SubSettings): RootDevice {
  const { unlockInitrd } = bootPartition;
  if (encryptionOf(root) !== undefined) return { kind: "encrypted", mapping: rootMapperName, unlockInitrd };
  return root.kind === "plain"
    ? { kind: "plain", partUuid: root.partUuid }
    : { kind: "mirror", array: rootArrayName, unlockInitrd };
}
