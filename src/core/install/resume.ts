import { diskKeyVariable } from "../boot-loader/efi-variable.ts";
import type { Firmware } from "../machine/record.ts";
import { partitionNumbers, partitionPath } from "./layout.ts";
import { loadDrivers } from "./load-drivers.ts";
import { newRoot, onNewRoot, rootMapperName, rootPaths } from "./paths.ts";
import { type Step, step } from "./step.ts";

/** The inputs of the plans of a resume. `disk` is the device path of the root disk. */
export type ResumeInput = { readonly firmware: Firmware; readonly disk: string; readonly encrypted: boolean };

/**
 * Opens and mounts the root of a machine that was installed but lost power before its first image was in place. Makes and
 * erases nothing.
 */
export function planResume(input: ResumeInput): readonly Step[] {
  const { firmware, encrypted } = input;
  const { esp, boot, root } = partitionsOf(input);
  const unlock = { kind: "unlock", partition: root, variable: diskKeyVariable, mapperName: rootMapperName } as const;
  const source = encrypted ? `/dev/mapper/${rootMapperName}` : root;
  return [
    loadDrivers(firmware, encrypted),
    step("findPartitions", 60, { kind: "findDevices", paths: [esp, boot, root] }),
    ...(encrypted ? [step("unlockRoot", 120, unlock)] : []),
    step("mountRoot", 300, { kind: "mount", source, target: newRoot, type: "ext4" }),
  ];
}

/** Mounts the other file systems of that machine: the root's settings tell where its boot partition belongs. */
export function planResumeMounts(input: ResumeInput, bootMountPoint: string): readonly Step[] {
  const { esp, boot } = partitionsOf(input);
  return [
    step("mountBoot", 300, { kind: "mount", source: boot, target: onNewRoot(bootMountPoint), type: "ext4" }),
    ...(input.firmware === "uefi"
      ? [step("mountEfi", 60, { kind: "mount", source: esp, target: onNewRoot(rootPaths.esp), type: "vfat" })]
      : []),
  ];
}

function partitionsOf({ disk }: ResumeInput) {
  const pathOf = (use: keyof typeof partitionNumbers) => partitionPath(disk, partitionNumbers[use]);
  return { esp: pathOf("esp"), boot: pathOf("boot"), root: pathOf("root") };
}
