import { diskKeyBytes, sealedKeyVariable } from "../../../core/boot-loader/efi-variable.ts";
import { writeCpio } from "../../../core/bytes/cpio.ts";
import { moduleDirectories } from "../../../core/image/boot/kept-modules.ts";
import {
  type KeyProgram,
  mirrorModules,
  tpmModules,
  type UnlockEncryption,
  unlockArchive,
} from "../../../core/image/boot/unlock.ts";
import { rootMapperName, rootPaths } from "../../../core/install/paths.ts";
import { encryptionOf, type RootEncryption, type RootVolume } from "../../../core/install/root-volume.ts";
import { planModules, readBuiltins, readDependencies } from "../../../core/modules/dependencies.ts";
import { exists, list, readBytes, readText, readTextIfThere } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** A root that the image's own initrd does not find: encrypted, or a mirror. */
export type RootToOpen = Exclude<RootVolume, { readonly kind: "plain" }>;

/** The second initrd for a kernel of this version; throws if its modules are missing. */
export function makeUnlockInitrd(root: string, version: string, volume: RootToOpen): Uint8Array {
  const modules = modulesOf(root, version);
  const of = {
    modulesDep: readText(`${modules}/modules.dep`),
    readModule: (path: string) => readBytes(`${modules}/${path}`),
  };
  if (encryptionOf(volume)?.tpmIndex !== undefined) demandTpmModules(of.modulesDep, modules, version);
  if (volume.kind !== "mirror")
    return writeCpio(unlockArchive({ ...of, partUuid: volume.partUuid, encryption: opener(root, volume) }));
  demandMirrorModules(of.modulesDep, modules, version);
  const { members, luks2 } = volume;
  const encryption = luks2 === undefined ? {} : { encryption: opener(root, luks2) };
  return writeCpio(unlockArchive({ ...of, members, ...encryption }));
}

/** A kernel without RAID 1 would not find its root. */
function demandMirrorModules(modulesDep: string, modules: string, version: string): void {
  const builtins = readBuiltins(readTextIfThere(`${modules}/modules.builtin`) ?? "");
  const { missing } = planModules(mirrorModules, readDependencies(modulesDep), builtins);
  if (missing.length > 0)
    throw new Error(
      `image: expected kernel ${version} to have ${missing.join(" and ")}, which this machine's mirrored root needs, found neither modules nor built-in ones`,
    );
}

/** A kernel without a driver for TPMs would not open its root. */
function demandTpmModules(modulesDep: string, modules: string, version: string): void {
  const builtins = readBuiltins(readTextIfThere(`${modules}/modules.builtin`) ?? "");
  const { missing } = planModules(tpmModules, readDependencies(modulesDep), builtins);
  if (missing.length === tpmModules.length)
    throw new Error(
      `image: expected kernel ${version} to have a driver for TPMs (${missing.join(" or ")}), which this machine's disk key needs, found none`,
    );
}

function opener(root: string, { keyVariable, seal }: RootEncryption): UnlockEncryption {
  const unlock = `${root}${agentPaths.unlock}`;
  const sealed = seal === undefined ? {} : { sealed: { variable: sealedKeyVariable, ...keyProgram(root) } };
  return {
    ...(keyVariable === undefined ? { fromTpm: keyProgram(root) } : { keyVariable, ...sealed }),
    keyBytes: diskKeyBytes,
    mapping: rootMapperName,
    cryptsetup: readBytes(`${unlock}/bin/cryptsetup`),
    libraries: list(`${unlock}/lib`).map((name) => ({ name, bytes: readBytes(`${unlock}/lib/${name}`) })),
  };
}

/** The program that the birth installed: it stays the same when the agent is upgraded, and so the initrd does, too. */
function keyProgram(root: string): KeyProgram {
  const [native, script] = [rootPaths.agent, rootPaths.agentScript].map((path) => readBytes(`${root}${path}`));
  return { native: native ?? new Uint8Array(), script: script ?? new Uint8Array() };
}

function modulesOf(root: string, version: string): string {
  const paths = moduleDirectories(version).map((path) => `${root}${path}`);
  const found = paths.find((path) => exists(`${path}/modules.dep`));
  if (found === undefined) throw new Error(`image: expected modules.dep for its kernel ${version}, found none`);
  return found;
}
