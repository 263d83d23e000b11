import type { Firmware } from "../machine/record.ts";
import type { Mac } from "../net/mac.ts";

/** The path of a per-machine loader; the machine's MAC replaces `MAC`. */
const bootDiskFile = "boot/MAC.img";

/** The path under which a machine fetches a loader. */
export function loaderPath(loader: string, mac: Mac): string {
  return loader.replace("MAC", mac.replace(/:/g, "-"));
}

/**
 * Client system architectures (option 93; IANA "Processor Architecture Types") and their loaders. `loader` is the
 * file that the firmware can start; rows without one boot locally. Debian's `ipxe` package contains the x86 files.
 */
export const architectureTable = {
  0: { name: "x86 BIOS", firmware: "bios", via: "tftp", loader: "undionly.kpxe" },
  6: { name: "x86 UEFI, 32 bit", firmware: "uefi", via: "tftp" },
  7: { name: "x64 UEFI", firmware: "uefi", via: "tftp", loader: "snponly.efi" },
  // RFC 4578's text had 7 and 9 swapped (erratum of 2016): 9, once "EBC", means x64 too (netboot.md §1.3).
  9: { name: "x64 UEFI (as EBC)", firmware: "uefi", via: "tftp", loader: "snponly.efi" },
  10: { name: "ARM UEFI, 32 bit", firmware: "uefi", via: "tftp" },
  11: { name: "ARM64 UEFI", firmware: "uefi", via: "tftp", loader: "snponly-arm64.efi" },
  15: { name: "x86 UEFI HTTP, 32 bit", firmware: "uefi", via: "http" },
  16: { name: "x64 UEFI HTTP", firmware: "uefi", via: "http", loader: "snponly.efi" },
  17: { name: "x64 UEFI HTTP (as EBC)", firmware: "uefi", via: "http", loader: "snponly.efi" },
  18: { name: "ARM UEFI HTTP, 32 bit", firmware: "uefi", via: "http" },
  19: { name: "ARM64 UEFI HTTP", firmware: "uefi", via: "http", loader: "snponly-arm64.efi" },
  20: { name: "x86 BIOS HTTP", firmware: "bios", via: "http" },
} as const satisfies {
  readonly [code: number]: {
    readonly name: string;
    readonly firmware: Firmware;
    readonly via: "tftp" | "http";
    readonly loader?: string;
  };
};

/** One row: how a machine with this architecture boots from the network. */
export type Architecture = {
  readonly name: string;
  readonly firmware: Firmware;
  readonly via: "tftp" | "http";
  readonly loader?: string;
};

const rows: { readonly [code: number]: Architecture } = architectureTable;

/**
 * The signed loader of a row, for Secure Boot: Debian's shim, which then fetches GRUB. With HTTP boot that GRUB would have no
 * address and stop at its prompt, so the firmware gets a per-machine disk image (boot-disk.ts). None for ARM64 yet.
 */
const secureLoaders: { readonly [code: number]: string } = {
  ...{ 7: "shimx64.efi", 9: "shimx64.efi" },
  ...{ 16: bootDiskFile, 17: bootDiskFile },
};

/**
 * The first architecture of option 93 that has a row; the option may hold several (netboot.md §1.3). With `signed`,
 * its loader is the one for Secure Boot, or none.
 */
export function architectureOf(codes: readonly number[], signed = false): Architecture | undefined {
  for (const code of codes) {
    const row = rows[code];
    if (row === undefined) continue;
    if (!signed || row.firmware === "bios") return row;
    const { loader: _unsigned, ...rest } = row;
    const loader = secureLoaders[code];
    return loader === undefined ? rest : { ...rest, loader };
  }
  return undefined;
}

/** Every loader in the table. */
export const loaderFiles: ReadonlySet<string> = new Set([
  ...Object.values(rows).flatMap(({ loader }) => (loader === undefined ? [] : [loader])),
  ...Object.values(secureLoaders),
]);
