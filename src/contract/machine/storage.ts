/** The disks of a machine: which one it may take for what, and how it has laid them out. */
import * as v from "valibot";
import type { DiskIdentity } from "../../core/hardware/disk-identity.ts";
import { type RootDiskRule, ruleBuses, ruleTransports } from "../../core/hardware/root-disk-rules.ts";
import { type LayoutProfile, mostDataDisks } from "../../core/install/layout-profile.ts";
import { volumeFileSystems } from "../../core/install/volume-file-system.ts";
import { type MirrorRecord, type MirrorState, mirrorDisks, type StorageReport } from "../../core/machine/storage.ts";
import { count, name, partsLimit, text } from "../bounded-values.ts";
import { keySealing } from "../measured-boot.ts";
import { pinned } from "../same.ts";

/** core/hardware/root-disk-rules.ts */
export const rootDiskRule = v.object({
  minSizeGiB: v.exactOptional(count),
  maxSizeGiB: v.exactOptional(count),
  rotational: v.exactOptional(v.boolean()),
  bus: v.exactOptional(v.picklist(ruleBuses)),
  transport: v.exactOptional(v.picklist(ruleTransports)),
  model: v.exactOptional(text),
  serial: v.exactOptional(text),
  wwn: v.exactOptional(text),
  biosDrive: v.exactOptional(count),
  path: v.exactOptional(text),
});

/** core/install/layout-profile.ts */
export const layoutProfile = v.object({
  name: text,
  mirror: v.exactOptional(v.object({ disks: rootDiskRule })),
  swapMiB: count,
  volumes: v.array(
    v.object({
      name: text,
      sizeMiB: count,
      fileSystem: v.picklist(volumeFileSystems),
      mountPoint: v.exactOptional(text),
    }),
  ),
  data: v.array(
    v.object({
      disks: rootDiskRule,
      fileSystem: v.picklist(volumeFileSystems),
      mountPoint: v.exactOptional(text),
      least: count,
    }),
  ),
});

/** What distinguishes a disk from others, and where it was found. */
export const diskIdentity = v.object({ path: name, serial: name, wwn: name, sizeBytes: count });

/** core/machine/storage.ts */
const missingDisks = v.pipe(v.array(v.picklist(mirrorDisks)), v.maxLength(mirrorDisks.length), v.readonly());

export const mirrorState = pinned<MirrorState>()(v.object({ missing: missingDisks }));

export const mirrorRecord = pinned<MirrorRecord>()(v.object({ missing: missingDisks, sinceMs: count }));

/** The disks that a birth takes for data. */
export const dataDisks = v.pipe(v.array(diskIdentity), v.maxLength(mostDataDisks), v.readonly());

/** core/machine/storage.ts */
export const birthDisk = v.object({ ...diskIdentity.entries, dataDisks: v.exactOptional(dataDisks) });

export const storageReport = v.object({
  rootDisk: v.object({
    path: text,
    serial: text,
    wwn: v.exactOptional(text),
    sizeBytes: count,
    why: text,
    biosDrive: v.exactOptional(count),
    recognition: v.exactOptional(
      v.variant("kind", [
        v.object({ kind: v.literal("identity") }),
        v.object({ kind: v.literal("pathAndSize"), why: text }),
      ]),
    ),
  }),
  disks: v.exactOptional(v.pipe(v.array(diskIdentity), v.maxLength(partsLimit), v.readonly())),
  layout: v.exactOptional(name),
  mirrorDisk: v.exactOptional(diskIdentity),
  volumes: v.exactOptional(
    v.pipe(
      v.array(v.object({ name, disk: diskIdentity, sizeMiB: count, mountPoint: v.exactOptional(name) })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
  bootOrder: v.exactOptional(
    v.object({
      entries: v.pipe(v.array(text), v.maxLength(partsLimit), v.readonly()),
      firstBy: v.picklist(["bootCurrent", "guess", "none"]),
      fault: v.exactOptional(text),
    }),
  ),
  encryption: v.variant("kind", [
    v.object({
      kind: v.literal("luks2"),
      keyIn: v.picklist(["uefi-variable", "tpm"]),
      sealing: v.exactOptional(keySealing),
    }),
    v.object({ kind: v.literal("none"), reason: text }),
  ]),
});

pinned<RootDiskRule>()(rootDiskRule);
pinned<LayoutProfile>()(layoutProfile);
pinned<DiskIdentity>()(diskIdentity);
pinned<StorageReport>()(storageReport);
