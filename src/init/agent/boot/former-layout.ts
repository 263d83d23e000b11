import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { grubConfig } from "../../../core/image/boot/grub.ts";
import { bootPartition } from "../../../core/image/boot/kernel-store.ts";
import { makeDirectories, replaceBytes } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { bootableKernels, rootDevice } from "./bootable-kernels.ts";
import { flushPartition } from "./partition.ts";
import { makeUnlockInitrd } from "./unlock-initrd.ts";

/**
 * On a machine of the former layout, whose boot partition is mounted at /boot: writes grub.cfg and, for an encrypted root, the
 * second initrd, for the kernel now in /boot; `going` lists paths about to be removed.
 */
export function writeBootFiles(context: SubContext, image: string, going: ReadonlySet<string>): void {
  const { root, settings, log } = context;
  const boot = `${root}${agentPaths.boot}`;
  const [kernel, ...others] = bootableKernels(context, image, going);
  makeDirectories(`${boot}/grub`);
  if (settings.root.kind !== "plain") {
    replaceBytes(`${boot}/${bootPartition.unlockInitrd}`, makeUnlockInitrd(root, kernel.version, settings.root), 0o600);
    log("info", "wrote the second initrd", { kernel: kernel.version });
  }
  const config = grubConfig({
    title: image,
    firmware: settings.firmware,
    root: rootDevice(settings),
    // The modules in the second initrd belong to one kernel.
    kernels: settings.root.kind === "plain" ? [kernel, ...others] : [kernel],
  });
  replaceBytes(`${root}${agentPaths.grubConfig}`, encodeUtf8(config));
  log("info", "wrote the boot loader's configuration", { kernel: kernel.version });
  flushPartition(context, boot);
}
