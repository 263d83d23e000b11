import { diskKeyBytes, sealedKeyVariable } from "../../../core/boot-loader/efi-variable.ts";
import { writeCpio } from "../../../core/bytes/cpio.ts";
import { moduleDirectories } from "../../../core/image/boot/kept-modules.ts";
import { type UnlockInput, unlockArchive } from "../../../core/image/boot/unlock.ts";
import { rootMapperName, rootPaths } from "../../../core/install/paths.ts";
import { exists, list, readBytes, readText } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** How an encrypted root is opened. */
type EncryptedRoot = { readonly partUuid: string; readonly keyVariable: string; readonly seal?: object };

/** The second initrd for a kernel of this version; throws if its modules are missing. */
export function makeUnlockInitrd(root: string, version: string, encrypted: EncryptedRoot): Uint8Array {
  const modules = modulesOf(root, version);
  const unlock = `${root}${agentPaths.unlock}`;
  return writeCpio(
    unlockArchive({
      partUuid: encrypted.partUuid,
      keyVariable: encrypted.keyVariable,
      keyBytes: diskKeyBytes,
      ...(encrypted.seal === undefined ? {} : { sealed: unsealer(root) }),
      mapping: rootMapperName,
      modulesDep: readText(`${modules}/modules.dep`),
      readModule: (path) => readBytes(`${modules}/${path}`),
      cryptsetup: readBytes(`${unlock}/bin/cryptsetup`),
      libraries: list(`${unlock}/lib`).map((name) => ({ name, bytes: readBytes(`${unlock}/lib/${name}`) })),
    }),
  );
}

/** The program that the birth installed: it stays the same when the agent is upgraded, and so the initrd does, too. */
function unsealer(root: string): NonNullable<UnlockInput["sealed"]> {
  const [native, script] = [rootPaths.agent, rootPaths.agentScript].map((path) => readBytes(`${root}${path}`));
  return { variable: sealedKeyVariable, native: native ?? new Uint8Array(), script: script ?? new Uint8Array() };
}

function modulesOf(root: string, version: string): string {
  const paths = moduleDirectories(version).map((path) => `${root}${path}`);
  const found = paths.find((path) => exists(`${path}/modules.dep`));
  if (found === undefined) throw new Error(`image: expected modules.dep for its kernel ${version}, found none`);
  return found;
}
