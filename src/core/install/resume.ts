import { diskKeyVariable } from "../boot-loader/efi-variable.ts";
import type { Firmware } from "../machine/record.ts";
import { partitionNumbers, partitionPath } from "./layout.ts";
import { newRoot, onNewRoot, rootMapperName, rootPaths } from "./paths.ts";
import { loadDrivers } from "./plan.ts";
import { type Step, step } from "./step.ts";

/**
 * Opens and mounts the root of a machine that was installed but lost power before its first image was in place. Makes and
 * erases nothing. `disk` is the device path of the root disk.
 */
export function planResume(input: {
  readonly firmware: Firmware;
  readonly disk: string;
  readonly encrypted: boolean;
}): readonly Step[] {
  const { firmware, disk, encrypted } = input;
  const [esp, boot, root] = (["esp", "boot", "root"] as const).map((use) => partitionPath(disk, partitionNumbers[use]));
  if (esp === undefined || boot === undefined || root === undefined)
    throw new Error("three partitions have three paths");
  const unlock = { kind: "unlock", partition: root, variable: diskKeyVariable, mapperName: rootMapperName } as const;
  const source = encrypted ? `/dev/mapper/${rootMapperName}` : root;
  return [
    loadDrivers(firmware, encrypted),
    step("findPartitions", 60, { kind: "findDevices", paths: [esp, boot, root] }),
    ...(encrypted ? [step("unlockRoot", 120, unlock)] : []),
    step("mountRoot", 300, { kind: "mount", source, target: newRoot, type: "ext4" }),
    step("mountBoot", 300, { kind: "mount", source: boot, target: onNewRoot(rootPaths.boot), type: "ext4" }),
    ...(firmware === "uefi"
      ? [step("mountEfi", 60, { kind: "mount", source: esp, target: onNewRoot(rootPaths.esp), type: "vfat" })]
      : []),
  ];
}
