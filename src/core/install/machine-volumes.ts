import type { Filter } from "../image/filter.ts";
import type { VolumeFileSystem } from "./volume-file-system.ts";

/** A volume beside the root, as the installed system opens and mounts it. */
export type MachineVolume = {
  /** Its opened device is `/dev/mapper/birther-NAME`. */
  readonly name: string;
  /** Of its partition, lower case. */
  readonly partUuid: string;
  /** The file with its key on the encrypted root; absent if the volume is not encrypted. */
  readonly keyFile?: string;
  readonly fileSystem: VolumeFileSystem;
  readonly mountPoint?: string;
};

/** What the installed system opens at its start: `/etc/birther/volumes.json`. */
export type MachineVolumes = {
  /** The partition of the swap space, which gets a new random key at every boot. */
  readonly swap?: { readonly partUuid: string };
  readonly volumes: readonly MachineVolume[];
};

/** Tells the agent's script to open and mount the volumes. */
export const volumesOption = "--volumes";

/** Bytes of a volume's key: as those of the root's. */
export const volumeKeyBytes = 64;

/** The device-mapper name of a volume, and of the swap space. */
export function mapperNameOf(name: string): string {
  return `birther-${name}`;
}

/** The name of the swap space, which no volume may have. */
export const swapName = "swap";

/** The filter that also protects the mount points, whether something is mounted there or not: what is on a volume is the machine's. */
export function protectMountPoints(filter: Filter, volumes: readonly MachineVolume[]): Filter {
  const points = volumes.flatMap(({ mountPoint }) => mountPoint ?? []);
  if (points.length === 0) return filter;
  const isIn = (path: string) => points.some((point) => path === point || path.startsWith(`${point}/`));
  return {
    matches: (path) => isIn(path) || filter.matches(path),
    protects: (path) => isIn(path) || filter.protects(path),
  };
}
