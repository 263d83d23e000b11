import * as v from "valibot";
import { firmwareFamilyNames } from "../../../core/bootstrap-image/firmware-families.ts";
import { imageProfiles } from "../../../core/bootstrap-image/image-profile.ts";
import { bootstrapSuites } from "../../../core/bootstrap-image/suite.ts";
import { leaf, optional, withDefault } from "../entry.ts";

const suite = leaf(bootstrapSuites.join(", ").replace(/, (?=[^,]*$)/, " or "), v.picklist(bootstrapSuites));

const family = leaf(firmwareFamilyNames.join(", ").replace(/, (?=[^,]*$)/, " or "), v.picklist(firmwareFamilyNames));

/** `bootstrapImage:`, what the Bootstrap Image is made of. */
export const bootstrapImage = withDefault(
  v.strictObject({
    suite: optional(
      suite,
      "The suite of Debian that its kernel, tools and boot loaders come from: `trixie` is Debian 13, `trixie-backports` takes the newer kernel from its backports, for hardware that is younger than the release, and `bookworm` is Debian 12. Without this key the first build takes `trixie`, and later ones stay with the suite of the build before. The boot loader for disks with `secureBootKey: own` or `storage.sealDiskKey` is Debian 12's GRUB in any case (docs/decisions/grub-of-debian-12.md). The packages of the first build are pinned by their hashes in `bootstrap/packages.lock.json` below `stateDirectory`; `birther image build --renew` takes those of today.",
    ),
    profile: optional(
      leaf(imageProfiles.join(" or "), v.picklist(imageProfiles)),
      "Which machines it has drivers for: `generic` for servers as they are sold and for virtual machines, `virtual` for virtual machines only, with an image that is a fifth smaller. Without this key the first build is `generic`, and later ones are as the build before.",
    ),
    firmware: withDefault(
      v.pipe(
        v.array(family),
        v.transform((families) => [...new Set(families)].sort()),
      ),
      [],
      "Families of network cards that need firmware files: their drivers and Debian's non-free firmware come as a second archive, `/firmware.img`, which machines load after the initramfs (docs/bootstrap-image.md, *Firmware of network cards*).",
    ),
  }),
  {},
  "The Bootstrap Image, which machines run while they are born.",
);
