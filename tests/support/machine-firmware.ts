import { cached } from "../../src/bootstrap-image/cached.ts";
import { packagesKey } from "../../src/bootstrap-image/debian/packages.ts";
import type { DebianRelease } from "../../src/bootstrap-image/debian/releases.ts";
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
