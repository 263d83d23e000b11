import * as v from "valibot";
import type { StoragePolicy } from "../../../core/install/storage-policy.ts";
import { pinned } from "../../same.ts";
import { withDefault } from "../entry.ts";
import { mebibytes, yesOrNo } from "../values.ts";

/** How disks are chosen, partitioned and encrypted. */
export const storage = withDefault(
  v.strictObject({
    allowUnencrypted: withDefault(
      yesOrNo,
      false,
      "Whether a machine that cannot keep a disk key (no usable UEFI variables) is installed without disk encryption. Its record says so.",
    ),
    minRootDiskMiB: withDefault(mebibytes(512), 8192, "Minimum size of the root disk."),
    espMiB: withDefault(mebibytes(33), 256, "Size of the EFI system partition."),
    bootMiB: withDefault(
      mebibytes(128),
      1024,
      "Size of the boot partition, which holds two kernels with their initrds.",
    ),
    sealDiskKey: withDefault(
      yesOrNo,
      false,
      "Whether the disk key of a UEFI machine whose TPM 2.0 answers at its birth is sealed to its boot path, so that no other kernel can read it. Not tried on real firmware yet (docs/decisions/sealing-the-disk-key.md).",
    ),
  }),
  {},
  "How disks are chosen, partitioned and encrypted.",
);

pinned<StoragePolicy>()(storage);
