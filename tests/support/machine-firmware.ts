import { cached } from "../../src/bootstrap-image/cached.ts";
import { packagesKey } from "../../src/bootstrap-image/debian/packages.ts";
import { type DebianRelease, debianReleases } from "../../src/bootstrap-image/debian/releases.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { debianOf } from "./debian.ts";

/** OVMF, and iPXE for the ROMs of QEMU's network cards. They are unpacked, never installed. */
const packages = ["ipxe-qemu", "ovmf"] as const;

/** A tree with the firmware of machines as a release has it, verified as all packages; once fetched, it works without a network. */
export async function firmwareTreeOf(release: DebianRelease): Promise<string> {
  const debian = await debianOf(release);
  const wanted = await debian.resolve(packages);
  return await cached(cacheDirectory, `machine-firmware-${packagesKey(wanted)}`, (draft) =>
    debian.unpack(wanted, draft),
  );
}

/** OVMF's version of each release, as its kernel shows it beside *BIOS*; of this computer's, any. */
const versions: { readonly [R in DebianRelease]: RegExp } = { bookworm: /2022\.11/, trixie: /2025\.02/ };

/**
 * The firmware that a suite's machines have: that of the release in MACHINE_FIRMWARE, or this computer's if it is not set. `version` is
 * what the kernel's DMI line on the console must match.
 */
export async function chosenFirmware(): Promise<{ readonly firmwareTree?: string; readonly version: RegExp }> {
  const chosen = process.env.MACHINE_FIRMWARE;
  if (chosen === undefined) return { version: /./ };
  const release = (Object.keys(debianReleases) as DebianRelease[]).find((name) => name === chosen);
  if (release === undefined)
    throw new Error(`MACHINE_FIRMWARE: expected ${Object.keys(debianReleases).join(" or ")}, found ${chosen}`);
  return { firmwareTree: await firmwareTreeOf(release), version: versions[release] };
}
