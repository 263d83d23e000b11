import { diskKeyBytes } from "../../../core/boot-loader/efi-variable.ts";
import { writeCpio } from "../../../core/bytes/cpio.ts";
import { moduleDirectories } from "../../../core/image/boot/kept-modules.ts";
import { unlockArchive } from "../../../core/image/boot/unlock.ts";
import { rootMapperName } from "../../../core/install/paths.ts";
import { exists, list, readBytes, readText } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** How an encrypted root is opened. */
type EncryptedRoot = { readonly partUuid: string; readonly keyVariable: string };

/** The second initrd for a kernel of this version; throws if its modules are missing. */
export function makeUnlockInitrd(root: string, version: string, encrypted: EncryptedRoot): Uint8Array {
  const modules = modulesOf(root, version);
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
  const paths = moduleDirectories(version).map((path) => `${root}${path}`);
  const found = paths.find((path) => exists(`${path}/modules.dep`));
  if (found === undefined) throw new Error(`image: expected modules.dep for its kernel ${version}, found none`);
  return found;
}
