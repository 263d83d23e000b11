import * as v from "valibot";
import { firstBiosDrive } from "../../../core/hardware/bios-drives.ts";
import { ruleBuses, ruleTransports } from "../../../core/hardware/root-disk-rules.ts";
import type { StorageSettings } from "../../../core/install/storage-policy.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, withDefault } from "../entry.ts";
import { count, mebibytes, text, yesOrNo } from "../values.ts";

const gibibytes = count("a whole number of gibibytes", 1, 1_048_576);
const pattern = (what: string) => optional(text, `Regular expression that must match the whole ${what}.`);

const rootDiskRule = v.strictObject({
  minSizeGiB: optional(gibibytes, "Minimum size."),
  maxSizeGiB: optional(gibibytes, "Maximum size."),
  rotational: optional(
    yesOrNo,
    "Whether it rotates, as its controller says; RAID controllers often say yes of any volume.",
  ),
  bus: optional(leaf(`one of ${ruleBuses.join(", ")}`, v.picklist(ruleBuses)), "The bus, as `birther show` lists it."),
  transport: optional(
    leaf(`one of ${ruleTransports.join(", ")}`, v.picklist(ruleTransports)),
    "What carries its commands. A volume of a RAID controller has none of these transports.",
  ),
  model: pattern("model"),
  serial: pattern("serial number"),
  wwn: pattern("WWN as the kernel writes it, such as `naa\\.5000c500.*`"),
  biosDrive: optional(
    count("a BIOS drive number", firstBiosDrive, 255),
    "The number by which the BIOS starts it; 128 (0x80) is the first.",
  ),
  path: pattern(
    "kernel name, such as `/dev/nvme0n1`, or the whole device path of the kernel, such as `pci0000:00/0000:00:1f\\.2/ata1/.*`",
  ),
});

/** How disks are chosen, partitioned and encrypted. */
export const storage = withDefault(
  v.strictObject({
    allowUnencrypted: withDefault(
      yesOrNo,
      false,
      "Whether a machine that cannot keep a disk key (no usable UEFI variables) is installed without disk encryption. Its record says so.",
    ),
    minRootDiskMiB: withDefault(mebibytes(512), 8192, "Minimum size of the root disk."),
    rootDisk: withDefault(
      v.array(rootDiskRule),
      [],
      "Rules for the root disk of a machine that has none on record, tried in order: the first rule that takes a disk decides, and of several disks the usual order does (solid state first, on BIOS then the firmware's first disk, then the smallest). All conditions of a rule must hold; a rule without conditions, `{}`, takes any disk. Without rules any disk may be taken. A machine with no disk that a rule takes is not born, and its reason names each disk. Removable, USB, SD, virtual and network disks are never taken.",
    ),
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

pinned<StorageSettings>()(storage);
