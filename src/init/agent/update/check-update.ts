import { isSecureBootOn } from "../../../core/hardware/scan.ts";
import { contentAfter, namesAfter } from "../../../core/image/boot/after-update.ts";
import { type BootKernel, bootKernels } from "../../../core/image/boot/grub.ts";
import { moduleDirectories } from "../../../core/image/boot/kept-modules.ts";
import { isSigned } from "../../../core/image/signature.ts";
import type { Directive } from "../../../core/image/update/directive.ts";
import { exists, list, readBytes } from "../../beneath/files.ts";
import { systemTree } from "../../device/tree.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

type Update = Extract<Directive, { kind: "update" }>;

/**
 * Throws unless this machine can boot what an update with another kernel leaves in /boot: a kernel with an initrd, signed
 * where Secure Boot is on, and with its modules where they open the root. Asked before the first step, because a refusal
 * after it would leave a system that is half of each image.
 */
export function checkBootable({ root, settings }: SubContext, cache: ObjectCache, update: Update): void {
  const { image, steps } = update;
  const { boot } = agentPaths;
  const [kernel] = bootKernels(namesAfter(steps, boot, list(root, boot)));
  if (kernel === undefined)
    throw new Error(
      `image ${image}: expected a kernel with an initrd in ${boot}, found none; this machine could not boot it, and nothing was changed`,
    );
  // Only the machine's own root, because this firmware never starts another tree.
  const bytes =
    root === "" && isSecureBootOn(systemTree)
      ? bytesAfter(update, `${boot}/${kernel.kernel}`, { root, cache })
      : undefined;
  if (bytes !== undefined && !isSigned(bytes)) throw new Error(unsignedKernel(image, kernel));
  if (settings.root.kind !== "plain" && !hasModules(root, update, kernel))
    throw new Error(
      `image ${image}: expected modules.dep for its kernel ${kernel.version}, found none; nothing was changed`,
    );
}

/** The refusal of a kernel that this machine's firmware would not start. */
export function unsignedKernel(image: string, { kernel }: BootKernel): string {
  return (
    `image ${image}: expected a signed kernel, because Secure Boot is on, found ${kernel} without a signature; ` +
    "build the image with a signed kernel, such as Debian's linux-image-amd64"
  );
}

/** The bytes of a file after the update; undefined for a link, which is only checked when it is in place. */
function bytesAfter(
  { steps }: Update,
  path: string,
  { root, cache }: { readonly root: string; readonly cache: ObjectCache },
): Uint8Array | undefined {
  const content = contentAfter(steps, path);
  if (content.kind === "object") return readBytes(root, cache.pathOf(content.sha512));
  return content.kind === "kept" ? readBytes(root, path) : undefined;
}

function hasModules(root: string, { steps }: Update, { version }: BootKernel): boolean {
  return moduleDirectories(version).some((directory) => {
    const path = `${directory}/modules.dep`;
    const { kind } = contentAfter(steps, path);
    return kind === "kept" ? exists(root, path) : kind !== "gone";
  });
}
