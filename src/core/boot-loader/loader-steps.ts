import { type Layout, partitionFor } from "../install/layout.ts";
import { onNewRoot, rootPaths } from "../install/paths.ts";
import { type Step, step } from "../install/step.ts";
import type { MachineArchitecture } from "../machine/architecture.ts";
import { bootEntryName, mirrorEntryName } from "./efi-boot.ts";
import { efiLoaders } from "./efi-loaders.ts";
import {
  fetchSignedLoader,
  type SignedLoader,
  signedLoaderConfig,
  signedLoaderCopies,
  signedLoaderFile,
} from "./signed-loader.ts";

/** Where a disk's loader goes: the mount point of its ESP, and the name of its boot entry. */
export type LoaderTarget = { readonly esp: string; readonly entry: string };

/** The places of the root disk, and of the second disk of a mirrored root. */
export const loaderTargets = [
  { esp: rootPaths.esp, entry: bootEntryName },
  { esp: rootPaths.mirrorEsp, entry: mirrorEntryName },
] as const satisfies readonly LoaderTarget[];

/**
 * Fetches files that the Bootstrap Image does not contain, before anything is written: a machine must not lose its old
 * system because the server is gone.
 */
export function fetchLoaderSteps(signed: SignedLoader | undefined): readonly Step[] {
  return signed === undefined ? [] : [step("fetchLoader", 300, fetchSignedLoader(signed))];
}

/**
 * Puts the boot loader on the disk, whose file systems are mounted: GRUB for BIOS, ours for UEFI (`measuring`, a path in the
 * Bootstrap Image, instead of the usual one), or the signed loaders.
 */
export function loaderSteps(
  layout: Layout,
  {
    signed,
    architecture,
    measuring,
    place = loaderTargets[0],
  }: {
    readonly signed: SignedLoader | undefined;
    readonly architecture: MachineArchitecture;
    readonly measuring?: string;
    /** The root disk's if absent. */
    readonly place?: LoaderTarget | undefined;
  },
): readonly Step[] {
  const esp = layout.partitions.find((partition) => partition.use === "esp");
  if (esp === undefined) {
    const core = partitionFor(layout, "biosBoot");
    const act = {
      kind: "installBiosLoader",
      disk: layout.disk,
      coreSector: core.firstSector,
      roomSectors: core.sectorCount,
    } as const;
    return [step("installLoader", 120, act)];
  }
  if (signed !== undefined)
    return [
      step("installLoader", 120, signedLoaderCopies(place.esp)),
      step("configureLoader", 60, signedLoaderConfig(place.esp)),
      step("addBootEntry", 60, { kind: "addBootEntry", partition: esp, file: signedLoaderFile, name: place.entry }),
    ];
  // Two copies: one under its own name for our boot entry, and one at the fallback path for firmware that has lost its
  // variables.
  const loader = efiLoaders[architecture];
  const files = [`/EFI/birther/${loader.name}`, `/EFI/BOOT/${loader.fallback}`].map((file) => ({
    from: measuring ?? loader.inImage,
    to: onNewRoot(`${place.esp}${file}`),
    mode: 0o644,
  }));
  return [
    step("installLoader", 120, { kind: "copyFiles", files }),
    step("addBootEntry", 60, {
      ...{ kind: "addBootEntry", partition: esp, name: place.entry },
      file: `\\EFI\\birther\\${loader.name}`,
    }),
  ];
}
