import * as v from "valibot";
import { firstBiosDrive } from "../../../core/hardware/bios-drives.ts";
import { ruleBuses, ruleTransports } from "../../../core/hardware/root-disk-rules.ts";
import { mostDataDisks, mostExtraVolumes } from "../../../core/install/layout-profile.ts";
import { type StorageSettings, tpmKeyUses } from "../../../core/install/storage-policy.ts";
import { leastVolumeMiB, volumeFileSystems } from "../../../core/install/volume-file-system.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, required, withDefault } from "../entry.ts";
import { count, mebibytes, shortName, text, yesOrNo } from "../values.ts";

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

const fileSystem = withDefault(
  leaf(`one of ${volumeFileSystems.join(", ")}`, v.picklist(volumeFileSystems)),
  "ext4",
  "What is made of it. The image's kernel must have it; `none` leaves `/dev/mapper/birther-NAME` to software that brings its own, such as Ceph or ZFS.",
);
const shortText = v.pipe(text, v.maxLength(256));

const layout = v.strictObject({
  name: required(shortName, "The name by which image rules choose it (`layout`)."),
  swapMiB: withDefault(
    count("a whole number of mebibytes", 0, 16_777_216),
    0,
    "Size of the swap space on the root disk. It is encrypted with a new random key at every boot, whatever the firmware.",
  ),
  mirror: optional(
    v.strictObject({
      disks: withDefault(
        rootDiskRule,
        {},
        "Conditions as those of `storage.rootDisk`, which all hold for the second disk; without one, any disk that the machine can start from.",
      ),
    }),
    "Keeps the root on two disks (RAID 1), each of which starts the machine; `{}` takes any second disk. The smaller disk counts. " +
      "A machine without a second disk is not born. Not together with `swapMiB` or `volumes` (docs/layouts.md).",
  ),
  volumes: withDefault(
    v.pipe(
      v.array(
        v.strictObject({
          name: required(
            leaf(
              "a name of up to 8 lower-case letters, digits and hyphens",
              v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,7}$/)),
            ),
            "Part of the name of its device, `/dev/mapper/birther-NAME`.",
          ),
          sizeMiB: required(mebibytes(leastVolumeMiB.none), `Its size; for XFS at least ${leastVolumeMiB.xfs}.`),
          fileSystem,
          mountPoint: optional(shortText, "Where it is mounted. Files of the image below it are not installed."),
        }),
      ),
      v.maxLength(mostExtraVolumes),
    ),
    [],
    "Further volumes on the root disk, beside the root, which gets what they leave.",
  ),
  data: withDefault(
    v.pipe(
      v.array(
        v.strictObject({
          disks: withDefault(
            rootDiskRule,
            {},
            "Conditions as those of `storage.rootDisk`, which all hold for a disk; without one, every other disk.",
          ),
          fileSystem,
          mountPoint: optional(
            shortText,
            "Where it is mounted, such as `/srv/disk{n}`: `{n}` is the number of the disk by this rule. Without `{n}`, the rule takes one disk.",
          ),
          least: withDefault(
            count("a whole number of disks", 0, mostDataDisks),
            1,
            "A machine with fewer disks for this rule is not born.",
          ),
        }),
      ),
      v.maxLength(16),
    ),
    [],
    "Which other disks become data volumes, one on each: the first rule that takes a disk decides, a disk that none takes is left alone. " +
      "Removable, USB, SD, virtual and network disks are never taken. Every birth, rebirth and clean erases the disks that it takes (docs/layouts.md).",
  ),
});

/** How disks are chosen, partitioned and encrypted. */
export const storage = withDefault(
  v.strictObject({
    allowUnencrypted: withDefault(
      yesOrNo,
      false,
      "Whether a machine that cannot keep a disk key (neither usable UEFI variables nor a TPM 2.0 that takes it) is installed without disk encryption. Its record says so.",
    ),
    minRootDiskMiB: withDefault(mebibytes(512), 8192, "Minimum size of the root disk."),
    rootDisk: withDefault(
      v.array(rootDiskRule),
      [],
      "Rules for the root disk of a machine that has none on record, tried in order: the first rule that takes a disk decides, and of several disks the usual order does (solid state first, on BIOS then the firmware's first disk, then the smallest). All conditions of a rule must hold; a rule without conditions, `{}`, takes any disk. Without rules any disk may be taken. A machine with no disk that a rule takes is not born, and its reason names each disk. Removable, USB, SD, virtual and network disks are never taken.",
    ),
    layouts: withDefault(
      v.pipe(v.array(layout), v.maxLength(64)),
      [],
      "Layout profiles, which image rules choose by name: swap, further volumes on the root disk, and data volumes on other disks. A machine whose image rule names none has its root disk only.",
    ),
    espMiB: withDefault(mebibytes(33), 256, "Size of the EFI system partition."),
    bootMiB: withDefault(
      mebibytes(128),
      1024,
      "Size of the boot partition, which holds two kernels with their initrds.",
    ),
    diskKeyInTpm: withDefault(
      leaf(`one of ${tpmKeyUses.join(", ")}`, v.picklist(tpmKeyUses)),
      "fallback",
      "Which machines keep the disk key in their TPM 2.0: `fallback` those whose firmware keeps none (BIOS, and UEFI without usable variables), `prefer` all that have one, but for those with `sealDiskKey`, whose UEFI variable is sealed, `never` no machine. Clearing such a TPM makes the disk unreadable (docs/decisions/disk-key-in-the-tpm.md).",
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
