import * as host from "host";
import { diskKeyBytes } from "../../core/boot-loader/efi-variable.ts";
import { writeCpio } from "../../core/bytes/cpio.ts";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { isSecureBootOn } from "../../core/hardware/scan.ts";
import { type BootKernel, bootKernels, grubConfig } from "../../core/image/boot/grub.ts";
import { unlockArchive } from "../../core/image/boot/unlock.ts";
import { isSigned } from "../../core/image/signature.ts";
import { rootMapperName } from "../../core/install/paths.ts";
import { systemTree } from "../device/tree.ts";
import { exists, list, makeDirectories, readBytes, readText, replaceBytes } from "../system/files.ts";
import { unsignedKernel } from "./check-update.ts";
import { agentPaths, unlockInitrd } from "./paths.ts";
import { deviceOf } from "./scan.ts";
import type { SubContext } from "./sub-context.ts";

const remountReadOnly = 0x21; // MS_REMOUNT | MS_RDONLY (mount(2))
const remountWritable = 0x20;

/**
 * Writes grub.cfg and, for an encrypted root, the second initrd, for the kernel now in /boot; `going` lists paths about
 * to be removed.
 */
export function writeBootFiles(context: SubContext, image: string, going: ReadonlySet<string>): void {
  const { root, settings, log } = context;
  const boot = `${root}${agentPaths.boot}`;
  const kernels = bootKernels(list(boot).filter((name) => !going.has(`${agentPaths.boot}/${name}`)));
  const [kernel] = kernels;
  if (kernel === undefined)
    throw new Error(
      `image ${image}: expected a kernel with an initrd in ${agentPaths.boot}, found none; this machine could not boot it`,
    );
  // Only the machine's own root, because this firmware never starts another tree.
  if (root === "" && isSecureBootOn(systemTree) && !isSigned(readBytes(`${boot}/${kernel.kernel}`)))
    throw new Error(unsignedKernel(image, kernel));
  makeDirectories(`${boot}/grub`);
  if (settings.root.kind === "luks2") {
    replaceBytes(`${boot}/${unlockInitrd}`, unlockInitrdFor(root, kernel, settings.root), 0o600);
    log("info", "wrote the second initrd", { kernel: kernel.version });
  }
  const config = grubConfig({
    title: image,
    firmware: settings.firmware,
    root:
      settings.root.kind === "plain"
        ? { kind: "plain", partUuid: settings.root.partUuid }
        : { kind: "encrypted", mapping: rootMapperName, unlockInitrd },
    // The modules in the second initrd belong to one kernel.
    kernels: settings.root.kind === "plain" ? kernels : [kernel],
  });
  replaceBytes(`${root}${agentPaths.grubConfig}`, encodeUtf8(config));
  log("info", "wrote the boot loader's configuration", { kernel: kernel.version });
  flushBoot(context);
}

function unlockInitrdFor(
  root: string,
  kernel: BootKernel,
  encrypted: { readonly partUuid: string; readonly keyVariable: string },
): Uint8Array {
  const modules = modulesOf(root, kernel.version);
  const unlock = `${root}${agentPaths.unlock}`;
  return writeCpio(
    unlockArchive({
      partUuid: encrypted.partUuid,
      keyVariable: encrypted.keyVariable,
      keyBytes: diskKeyBytes,
      mapping: rootMapperName,
      modulesDep: readText(`${modules}/modules.dep`),
      readModule: (path) => readBytes(`${modules}/${path}`),
      cryptsetup: readBytes(`${unlock}/bin/cryptsetup`),
      libraries: list(`${unlock}/lib`).map((name) => ({ name, bytes: readBytes(`${unlock}/lib/${name}`) })),
    }),
  );
}

function modulesOf(root: string, version: string): string {
  const paths = [`/usr/lib/modules/${version}`, `/lib/modules/${version}`].map((path) => `${root}${path}`);
  const found = paths.find((path) => exists(`${path}/modules.dep`));
  if (found === undefined) throw new Error(`image: expected modules.dep for its kernel ${version}, found none`);
  return found;
}

/**
 * GRUB reads ext4 without its journal, and sync(2) leaves changes in the journal. Only a remount as read-only writes
 * them to where GRUB reads (ext4_mark_recovery_complete).
 */
export function flushBoot({ root, log }: SubContext): void {
  const boot = `${root}${agentPaths.boot}`;
  if (deviceOf(boot) === deviceOf(root === "" ? "/" : root)) return;
  try {
    host.sync();
    host.mount("", boot, "", remountReadOnly, "");
    host.mount("", boot, "", remountWritable, "");
  } catch (error) {
    // A process has a file open for writing there; a clean shutdown will flush it.
    log("warn", "flushing /boot failed", { error: String(error) });
  }
}
