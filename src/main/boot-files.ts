import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Phase } from "../core/machine/record.ts";

/** Loaders of Debian's package `ipxe`, for BIOS and for UEFI. */
export const loaders = ["undionly.kpxe", "snponly.efi"] as const;
const loaderDirectory = "/usr/lib/ipxe";

/** What machines load before they are ours, in memory: a hundred racks at once must not wait for a disk. */
export type BootFiles = {
  readonly tftp: ReadonlyMap<string, Uint8Array>;
  /** By path, with the leading slash. */
  readonly http: ReadonlyMap<string, Uint8Array>;
  /** What is seen of a machine when it has got this path whole. */
  readonly phaseOf: (path: string) => Phase | undefined;
};

/** Reads them all; throws, saying what to do, when one is not there. */
export async function readBootFiles(places: {
  readonly kernel: string;
  readonly initramfs: string;
}): Promise<BootFiles> {
  const tftp = new Map<string, Uint8Array>();
  for (const name of loaders) tftp.set(name, await need(join(loaderDirectory, name), "apt-get install ipxe"));
  const image = "build the Bootstrap Image: birther image build";
  const http = new Map([
    ["/vmlinuz", await need(places.kernel, image)],
    ["/initramfs.img", await need(places.initramfs, image)],
    ...[...tftp].map(([name, bytes]) => [`/${name}`, bytes] as const),
  ]);
  const phases: { readonly [path: string]: Phase } = { "/initramfs.img": "kernelSent", "/snponly.efi": "loaderSent" };
  return { tftp, http, phaseOf: (path) => phases[path] };
}

async function need(path: string, remedy: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Error(`${path} is not there; ${remedy}`, { cause });
  }
}
