import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type SignedLoader, signedLoaderPaths } from "../core/boot-loader/signed-loader.ts";
import { errorCode } from "../core/error-code.ts";
import { buildImageFor, type NamedArchitecture } from "../core/machine/architecture.ts";
import { signedImageFile } from "../core/pxe/architecture.ts";
import { grubConfig, grubConfigPath, grubFile } from "../core/pxe/script/grub.ts";
import { diskListFile } from "../core/pxe/script/ipxe.ts";

/** iPXE, for BIOS and for UEFI. */
export const loaderNames = ["undionly.kpxe", "snponly.efi"] as const;

/** Kernel and initramfs of a Bootstrap Image. */
export type ImageFiles = { readonly kernel: Uint8Array; readonly initramfs: Uint8Array };

/** Where the files of another architecture's Bootstrap Image are, and its iPXE. */
export type ImageDirectory = {
  readonly architecture: NamedArchitecture;
  readonly kernel: string;
  readonly initramfs: string;
  readonly loaders: string;
};

/** iPXE of other architectures. */
const otherLoaders: { readonly [A in NamedArchitecture]: string } = { arm64: "ipxe-arm64.efi" };

/** The files that machines load before init runs, in memory: a hundred racks at once must not wait for a disk. */
export type BootFiles = {
  readonly loaders: ReadonlyMap<string, Uint8Array>;
  readonly kernel: Uint8Array;
  readonly initramfs: Uint8Array;
  /** The second archive with firmware, if the Bootstrap Image has one. */
  readonly firmware?: Uint8Array;
  /** The Bootstrap Images of other architectures than the default one. */
  readonly otherImages: ReadonlyMap<NamedArchitecture, ImageFiles>;
  /** Signed loaders for a disk; only if a network asks for them. */
  readonly diskLoaders?: { readonly shim: Uint8Array; readonly grub: Uint8Array };
};

/** What to do about a missing file of the Bootstrap Image. */
export const buildImage = "build the Bootstrap Image: birther image build";

/** What to do about a missing signed image, with secureBootKey: own. */
const makeKey = "make the key that signs it, then start the server again: birther secure-boot make-key";

/** Reads all files; throws an error with the next step when one is missing. */
export async function readBootFiles(paths: {
  readonly kernel: string;
  readonly initramfs: string;
  /** The second archive, which need not be there. */
  readonly firmware?: string;
  /** The directory of iPXE and of the signed loaders. */
  readonly loaderDirectory: string;
  /** Those of other architectures, of which only some may have been built. */
  readonly others?: readonly ImageDirectory[];
  /** A network asks for Debian's signed loaders. */
  readonly signedLoaders?: boolean;
  /** The image with the signature of the site's key, if a network asks for it. */
  readonly signedImage?: string;
}): Promise<BootFiles> {
  const { loaderDirectory, others = [], signedLoaders = false, signedImage } = paths;
  const remedy = buildImage;
  const firmware = paths.firmware === undefined ? undefined : await readIfThere(paths.firmware);
  const image = {
    kernel: await readNeeded(paths.kernel, remedy),
    initramfs: await readNeeded(paths.initramfs, remedy),
    ...(firmware === undefined ? {} : { firmware }),
  };
  const loaders = new Map<string, Uint8Array>();
  for (const name of loaderNames) loaders.set(name, await readNeeded(join(loaderDirectory, name), remedy));
  // An image that was built before has none.
  const diskList = await readIfThere(join(loaderDirectory, diskListFile));
  if (diskList !== undefined) loaders.set(diskListFile, diskList);
  const otherImages = await readOthers(others, loaders);
  if (signedImage !== undefined) loaders.set(signedImageFile, await readNeeded(signedImage, makeKey));
  if (!signedLoaders) return { loaders, ...image, otherImages };
  const shim = await readNeeded(join(loaderDirectory, "shimx64.efi"), remedy);
  loaders.set("shimx64.efi", shim);
  // shim requests this name from its own directory; the file is the GRUB made for network boots.
  loaders.set(grubFile, await readNeeded(join(loaderDirectory, "grubnetx64.efi"), remedy));
  loaders.set(grubConfigPath, new TextEncoder().encode(grubConfig));
  return {
    loaders,
    ...image,
    otherImages,
    diskLoaders: { shim, grub: await readNeeded(join(loaderDirectory, "grubx64.efi"), remedy) },
  };
}

/** Reads the images that were built, and adds their loaders. */
async function readOthers(
  directories: readonly ImageDirectory[],
  loaders: Map<string, Uint8Array>,
): Promise<ReadonlyMap<NamedArchitecture, ImageFiles>> {
  const images = new Map<NamedArchitecture, ImageFiles>();
  for (const { architecture, kernel, initramfs, loaders: directory } of directories) {
    if (!existsSync(kernel)) continue;
    const remedy = buildImageFor(architecture);
    const name = otherLoaders[architecture];
    loaders.set(name, await readNeeded(join(directory, name), remedy));
    images.set(architecture, {
      kernel: await readNeeded(kernel, remedy),
      initramfs: await readNeeded(initramfs, remedy),
    });
  }
  return images;
}

/** What a machine's order says of the signed loaders: their location and their hashes. */
export function describeSignedLoader({ shim, grub }: NonNullable<BootFiles["diskLoaders"]>): SignedLoader {
  const sha512 = (bytes: Uint8Array) => createHash("sha512").update(bytes).digest("hex");
  return {
    shim: { path: signedLoaderPaths.shim, sha512: sha512(shim) },
    grub: { path: signedLoaderPaths.grub, sha512: sha512(grub) },
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return await readFile(path).catch((cause: unknown) => {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw cause;
  });
}

/** Reads a file that another command makes; throws an error that names the command when it is missing. */
export async function readNeeded(path: string, remedy: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Error(`${path} is missing; ${remedy}`, { cause });
  }
}
