import { diskKeyVariable } from "../boot-loader/efi-variable.ts";
import type { Firmware } from "../machine/record.ts";
import { partitionNumbers, partitionPath } from "./layout.ts";
import { loadDrivers } from "./load-drivers.ts";
import { newRoot, onNewRoot, rootArrayName, rootMapperName, rootPaths } from "./paths.ts";
import { type Step, step } from "./step.ts";

/** The inputs of the plans of a resume. `disk` is the device path of the root disk. */
export type ResumeInput = {
  readonly firmware: Firmware;
  readonly disk: string;
  readonly encrypted: boolean;
  /** Whether the key is in the TPM. */
  readonly keyInTpm?: boolean;
  /** Of a mirrored root: the second disk, or that it is gone. */
  readonly mirror?: { readonly disk?: string };
};

/**
 * Opens and mounts the root of a machine that was installed but lost power before its first image was in place. Makes and
 * erases nothing.
 */
export function planResume(input: ResumeInput): readonly Step[] {
  const { firmware, encrypted, mirror } = input;
  const { esp, boot, root } = partitionsOf(input);
  const second = mirror?.disk === undefined ? undefined : partitionsOf({ disk: mirror.disk });
  const others = second === undefined ? [] : [second.esp, second.boot, second.root];
  const members = second === undefined ? [root] : [root, second.root];
  const container = mirror === undefined ? root : `/dev/${rootArrayName}`;
  const key = input.keyInTpm === true ? { inTpm: true as const } : { variable: diskKeyVariable };
  const unlock = { kind: "unlock", partition: container, ...key, mapperName: rootMapperName } as const;
  const source = encrypted ? `/dev/mapper/${rootMapperName}` : container;
  return [
    loadDrivers(firmware, encrypted, mirror !== undefined),
    step("findPartitions", 60, { kind: "findDevices", paths: [esp, boot, root, ...others] }),
    ...(mirror === undefined
      ? []
      : [step("assembleMirror", 120, { kind: "assembleMirror", array: rootArrayName, members })]),
    ...(encrypted ? [step("unlockRoot", 120, unlock)] : []),
    step("mountRoot", 300, { kind: "mount", source, target: newRoot, type: "ext4" }),
  ];
}

/** Mounts the other file systems of that machine: the root's settings tell where its boot partition belongs. */
export function planResumeMounts(input: ResumeInput, bootMountPoint: string): readonly Step[] {
  const { esp, boot } = partitionsOf(input);
  const { mirror } = input;
  const second = mirror?.disk === undefined ? undefined : partitionsOf({ disk: mirror.disk }).boot;
  const mirrorBoot = onNewRoot(rootPaths.mirrorBootPartition);
  return [
    ...(second === undefined
      ? []
      : [step("mountBoot", 300, { kind: "mount", source: second, target: mirrorBoot, type: "ext4" })]),
    step("mountBoot", 300, { kind: "mount", source: boot, target: onNewRoot(bootMountPoint), type: "ext4" }),
    ...(input.firmware === "uefi"
      ? [step("mountEfi", 60, { kind: "mount", source: esp, target: onNewRoot(rootPaths.esp), type: "vfat" })]
      : []),
  ];
}

function partitionsOf({ disk }: Pick<ResumeInput, "disk">) {
  const pathOf = (use: keyof typeof partitionNumbers) => partitionPath(disk, partitionNumbers[use]);
  return { esp: pathOf("esp"), boot: pathOf("boot"), root: pathOf("root") };
}
