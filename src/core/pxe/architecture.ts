import type { MachineArchitecture } from "../machine/architecture.ts";
import type { Firmware } from "../machine/record.ts";
import type { Mac } from "../net/mac.ts";
import type { Signature } from "../network/network.ts";

/** The path of a per-machine loader; the machine's MAC replaces `MAC`. */
const bootDiskFile = "boot/MAC.img";

/** The path under which a machine fetches a loader. */
export function loaderPath(loader: string, mac: Mac): string {
  return loader.replace("MAC", mac.replace(/:/g, "-"));
}

/**
 * Client system architectures (option 93; IANA "Processor Architecture Types") and their loaders. `loader` is the
 * file that the firmware can start; rows without one boot locally. Debian's `ipxe` package contains the files, that of Debian
 * 13 also the one for ARM64, which has all drivers of iPXE and the firmware's. `machine` is the Bootstrap Image that the
 * machine can run.
 */
export const architectureTable = {
  0: { name: "x86 BIOS", firmware: "bios", machine: "amd64", via: "tftp", loader: "undionly.kpxe" },
  6: { name: "x86 UEFI, 32 bit", firmware: "uefi", via: "tftp" },
  7: { name: "x64 UEFI", firmware: "uefi", machine: "amd64", via: "tftp", loader: "snponly.efi" },
  // RFC 4578's text had 7 and 9 swapped (erratum of 2016): 9, once "EBC", means x64 too (netboot.md §1.3).
  9: { name: "x64 UEFI (as EBC)", firmware: "uefi", machine: "amd64", via: "tftp", loader: "snponly.efi" },
  10: { name: "ARM UEFI, 32 bit", firmware: "uefi", via: "tftp" },
  11: { name: "ARM64 UEFI", firmware: "uefi", machine: "arm64", via: "tftp", loader: "ipxe-arm64.efi" },
  15: { name: "x86 UEFI HTTP, 32 bit", firmware: "uefi", via: "http" },
  16: { name: "x64 UEFI HTTP", firmware: "uefi", machine: "amd64", via: "http", loader: "snponly.efi" },
  17: { name: "x64 UEFI HTTP (as EBC)", firmware: "uefi", machine: "amd64", via: "http", loader: "snponly.efi" },
  18: { name: "ARM UEFI HTTP, 32 bit", firmware: "uefi", via: "http" },
  19: { name: "ARM64 UEFI HTTP", firmware: "uefi", machine: "arm64", via: "http", loader: "ipxe-arm64.efi" },
  20: { name: "x86 BIOS HTTP", firmware: "bios", machine: "amd64", via: "http" },
} as const satisfies {
  readonly [code: number]: {
    readonly name: string;
    readonly firmware: Firmware;
    readonly machine?: MachineArchitecture;
    readonly via: "tftp" | "http";
    readonly loader?: string;
  };
};

/** One row: how a machine with this architecture boots from the network. */
export type Architecture = {
  readonly name: string;
  readonly firmware: Firmware;
  /** The Bootstrap Image that it can run; none for 32 bits. */
  readonly machine?: MachineArchitecture;
  readonly via: "tftp" | "http";
  readonly loader?: string;
  /** The loader starts the Bootstrap Image and nothing else, so it cannot send a machine to its disk. */
  readonly onlyInstalls?: true;
};

const rows: { readonly [code: number]: Architecture } = architectureTable;

/** The signed image: kernel, initramfs and command line in one EFI program, with the signature of the site's own key. */
export const signedImageFile = "birther.efi";

/**
 * The signed loaders of a row, for Secure Boot. Debian's: shim, which then fetches GRUB. With HTTP boot that GRUB would have
 * no address and stop at its prompt, so the firmware gets a per-machine disk image (boot-disk.ts). The site's own: the
 * signed image. None for ARM64 yet.
 */
const signedLoaders: { readonly [S in Exclude<Signature, "none">]: { readonly [code: number]: string } } = {
  debian: { 7: "shimx64.efi", 9: "shimx64.efi", 16: bootDiskFile, 17: bootDiskFile },
  own: { 7: signedImageFile, 9: signedImageFile, 16: signedImageFile, 17: signedImageFile },
};

/**
 * The first architecture of option 93 that has a row; the option may hold several (netboot.md §1.3). For UEFI its loader is
 * the one with this signature, or none.
 */
export function architectureOf(codes: readonly number[], signature: Signature = "none"): Architecture | undefined {
  for (const code of codes) {
    const row = rows[code];
    if (row === undefined) continue;
    if (signature === "none" || row.firmware === "bios") return row;
    const { loader: _unsigned, ...rest } = row;
    const loader = signedLoaders[signature][code];
    if (loader === undefined) return rest;
    return signature === "own" ? { ...rest, loader, onlyInstalls: true } : { ...rest, loader };
  }
  return undefined;
}

/** Every loader in the table; not the signed image, which is more than a loader. */
export const loaderFiles: ReadonlySet<string> = new Set([
  ...Object.values(rows).flatMap(({ loader }) => (loader === undefined ? [] : [loader])),
  ...Object.values(signedLoaders.debian),
]);
