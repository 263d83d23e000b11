import type { BootstrapSuite } from "../../core/bootstrap-image/suite.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";

/** Packages of tools that have the same name in all releases and architectures. */
const toolPackages = [
  // tools; cryptsetup is built (program/cryptsetup)
  ...["busybox", "dosfstools", "e2fsprogs", "fdisk", "xfsprogs"],
  // libraries of the tools
  ...["libblkid1", "libc6", "libcom-err2", "libfdisk1", "libinih1", "libsmartcols1", "libtinfo6", "libuuid1"],
] as const;

/** grub-mkimage, and its libraries: programs of the building computer. */
export const grubProgramPackages = [
  ...["grub-common", "libc6", "libdevmapper1.02.1", "liblzma5", "libpcre2-8-0", "libselinux1", "libudev1"],
] as const;

/** Boot loaders of the installed machine. */
const grubPackages: { readonly [A in MachineArchitecture]: readonly string[] } = {
  amd64: ["grub-efi-amd64-bin", "grub-pc-bin"],
  arm64: ["grub-efi-arm64-bin"],
};

/** The packages of an image, with the loaders of its machines; where its programs run on the building computer, also grub-mkimage. */
export function systemPackages(release: DebianRelease, architecture: MachineArchitecture): readonly string[] {
  const own = architecture === defaultArchitecture ? grubProgramPackages : [];
  return [...new Set([...toolPackages, ...grubPackages[architecture], ...own, ...debianReleases[release].libraries])];
}

/**
 * Debian's releases that the Bootstrap Image can be made of. `libraries` are packages whose names changed. Packages are
 * downloaded and unpacked, never installed, so that the image does not depend on the building computer.
 */
export const debianReleases = {
  bookworm: {
    title: "Debian 12",
    libraries: ["libext2fs2", "libreadline8", "liburcu8"],
  },
  trixie: {
    title: "Debian 13",
    libraries: ["libcap2", "libext2fs2t64", "libreadline8t64", "liburcu8t64"],
  },
} as const;

export type DebianRelease = keyof typeof debianReleases;

/** The release of each suite, and the suite of the kernel if it is another one. */
export const suites: {
  readonly [suite in BootstrapSuite]: { readonly release: DebianRelease; readonly kernel?: string };
} = {
  trixie: { release: "trixie" },
  "trixie-backports": { release: "trixie", kernel: "trixie-backports" },
  bookworm: { release: "bookworm" },
};

/** Depends on the current versioned kernel package. */
export const kernelMetaPackage = (architecture: MachineArchitecture): string => `linux-image-${architecture}`;

/**
 * Where the GRUB comes from that machines with a key of the site's own, and those with a sealed disk key, start their disk
 * with. GRUB 2.06 starts a kernel itself. 2.12 has the firmware verify and measure it: firmware that trusts only the site's key
 * refuses Debian's kernels, and each kernel changes PCR 4 (docs/decisions/grub-of-debian-12.md).
 */
export const measuringLoaderRelease: DebianRelease = "bookworm";

/** What that GRUB is made with: grub-mkimage and its libraries, and GRUB's modules. */
export const measuringLoaderPackages = ["grub-efi-amd64-bin", ...grubProgramPackages] as const;
