import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FirmwareFamilyName, isFirmwareFamily } from "../../core/bootstrap-image/firmware-families.ts";
import { defaultProfile, type ImageProfile } from "../../core/bootstrap-image/image-profile.ts";
import type { BootstrapSuite } from "../../core/bootstrap-image/suite.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";
import { inScratch } from "../scratch.ts";
import { openApt, type PackageKind, type PackageLists } from "./apt.ts";
import { readLock, readLockToRenew, writeLock } from "./lock.ts";
import { type DebianRelease, debianReleases, kernelMetaPackage, measuringLoaderRelease, suites } from "./releases.ts";

/** A package at a version; `file` is its name in the cache, `hash` the checksum that apt knows, as `SHA256:hex`. */
export type DebianPackage = { readonly name: string; readonly file: string; readonly hash: string };

/** Packages of a release, each at one version for a whole build: as of the lock file; what is not in it, as of today. */
export type ReleasePackages = {
  readonly release: DebianRelease;
  readonly resolve: (names: readonly string[]) => Promise<readonly DebianPackage[]>;
  /** Unpacks packages into one directory tree, without installing them or running their scripts. */
  readonly unpack: (packages: readonly DebianPackage[], directory: string) => Promise<void>;
};

/** The packages of a suite. */
export type Debian = ReleasePackages & {
  readonly suite: BootstrapSuite;
  readonly architecture: MachineArchitecture;
  /** Packages of the release for the building computer: the suite's own if the image is for its architecture. */
  readonly host: ReleasePackages;
  /** The packages that the suite's kernel consists of. */
  readonly kernel: () => Promise<readonly DebianPackage[]>;
  /** Those that the measuring boot loaders for disks are made of; the suite's own where it is of that release. */
  readonly measuringLoaders: ReleasePackages;
  /** Firmware of the suite's release, from non-free-firmware; of its backports where the kernel is. */
  readonly firmware: ReleasePackages;
  /** The firmware families of the last build, of which the image is made if no others are asked for. */
  readonly lastFamilies: readonly FirmwareFamilyName[];
  /** The profile of the last build, which the image has if no other is asked for. */
  readonly lastProfile: ImageProfile;
  /** Writes what was resolved to the lock file, and the image's choices: the next build takes the same. */
  readonly keep: (choices?: {
    readonly families?: readonly FirmwareFamilyName[];
    readonly profile?: ImageProfile;
  }) => Promise<void>;
};

export type DebianOptions = {
  readonly suite: BootstrapSuite;
  /** What the image is for; the default if it is absent. */
  readonly architecture?: MachineArchitecture;
  readonly cacheDirectory: string;
  readonly log: Log;
  /** Pins the packages; without one, each build takes today's. */
  readonly lockFile?: string;
  /** Takes today's packages although the lock file has others. */
  readonly renew?: boolean;
};

/** How to leave pinned packages that Debian has no more. */
export const renewPackages = "take today's packages: birther image build --renew";

/** Opens the packages of a suite. Debian is asked only for what the lock file or the cache does not hold. */
export async function openDebian(options: DebianOptions): Promise<Debian> {
  const { suite, architecture = defaultArchitecture, log, lockFile, renew = false } = options;
  const { release, kernel: kernelSuite } = suites[suite];
  const last = lockFile === undefined ? undefined : await (renew ? readLockToRenew : readLock)(lockFile);
  const lock = renew ? undefined : last;
  if (lock !== undefined && lock.architecture !== architecture)
    throw new Error(`${lockFile}: expected the packages of ${architecture}, found those of ${lock.architecture}`);
  const lastFamilies = (last?.firmware?.families ?? []).filter(isFirmwareFamily);
  const isAnother = lock !== undefined && lock.suite !== suite;
  if (isAnother) log("info", "another suite: all packages are taken anew", { was: lock.suite, is: suite });
  const kept = isAnother ? undefined : lock;
  const own = pinnedPackages(release, kept?.packages ?? [], options);
  const ofHost = { ...options, architecture: defaultArchitecture };
  const host = architecture === defaultArchitecture ? own : pinnedPackages(release, kept?.host ?? [], ofHost);
  const pinnedLoaders = kept?.loaders?.release === measuringLoaderRelease ? kept.loaders.packages : [];
  const measuringLoaders =
    release === measuringLoaderRelease ? host : pinnedPackages(measuringLoaderRelease, pinnedLoaders, ofHost);
  const ofFirmware = {
    ...options,
    kind: "firmware",
    ...(kernelSuite === undefined ? {} : { from: kernelSuite }),
  } as const;
  const firmware = pinnedPackages(release, kept?.firmware?.packages ?? [], ofFirmware);
  let kernelNames: readonly string[] | undefined = kept?.kernel;
  return {
    ...{ suite, architecture, release, host, measuringLoaders, firmware, lastFamilies },
    lastProfile: last?.profile ?? defaultProfile,
    ...{ resolve: own.resolve, unpack: own.unpack },
    kernel: async () => {
      kernelNames ??= await kernelPackages(own.lists, kernelMetaPackage(architecture), kernelSuite);
      return own.resolve(kernelNames);
    },
    keep: async ({ families = [], profile = defaultProfile } = {}) => {
      if (lockFile === undefined || kernelNames === undefined) return;
      const loaders = { release: measuringLoaderRelease, packages: measuringLoaders.pinned() };
      await writeLock(lockFile, {
        ...{ suite, architecture, profile, kernel: kernelNames, packages: own.pinned() },
        ...(host === own ? {} : { host: host.pinned() }),
        ...(measuringLoaders === host ? {} : { loaders }),
        ...(families.length === 0 ? {} : { firmware: { families: [...families], packages: firmware.pinned() } }),
      });
    },
  };
}

/** Where packages are taken from: `from` is a suite of the release that is preferred to the others. */
type Origin = DebianOptions & { readonly kind?: PackageKind; readonly from?: string };

/** Packages of a release at the versions that are pinned; others are pinned when they are resolved. */
function pinnedPackages(release: DebianRelease, packages: readonly DebianPackage[], options: Origin) {
  const pinned = new Map(packages.map((each) => [each.name, each]));
  const lists = lazyLists(release, options);
  const resolve = async (names: readonly string[]): Promise<readonly DebianPackage[]> => {
    const missing = names.filter((name) => !pinned.has(name));
    for (const each of await newest(lists, missing, options.from)) pinned.set(each.name, each);
    return names.map((name) => pinned.get(name) ?? noPackage(release, name));
  };
  const unpack = async (wanted: readonly DebianPackage[], directory: string): Promise<void> => {
    await mkdir(directory, { recursive: true });
    for (const path of await download(wanted, lists, options)) await runCommand(["dpkg-deb", "-x", path, directory]);
  };
  return {
    ...{ release, lists, resolve, unpack },
    pinned: () => [...pinned.values()].sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

/** Lists that are read when they are needed. */
function lazyLists(release: DebianRelease, options: Origin): PackageLists {
  let opened: Promise<PackageLists> | undefined;
  const lists = () => {
    opened ??= openApt(release, options);
    return opened;
  };
  return {
    apt: async (...words) => await (await lists()).apt(...words),
    ask: async (...words) => await (await lists()).ask(...words),
  };
}

function noPackage(release: DebianRelease, name: string): never {
  throw new Error(`${debianReleases[release].title}: expected a package ${name}, found none`);
}

/** The newest versions of packages, without downloading anything. */
async function newest(
  { ask }: PackageLists,
  names: readonly string[],
  from: string | undefined,
): Promise<readonly DebianPackage[]> {
  return names.length === 0
    ? []
    : readUris(await ask("apt-get", [...preferring(from), "download", "--print-uris", ...names]));
}

/** Options of apt that prefer a suite; packages that it lacks come from the others. */
function preferring(suite: string | undefined): readonly string[] {
  return suite === undefined ? [] : ["-o", `APT::Default-Release=${suite}`];
}

/** A kernel's own packages: since Linux 7 it is divided into several. */
const kernelPart = /^linux-(image|binary|modules|base)-\d/;

/** The names of the packages that a suite's current kernel consists of, e.g. linux-image-6.12.118+deb13-amd64. */
async function kernelPackages(
  { ask }: PackageLists,
  meta: string,
  suite: string | undefined,
): Promise<readonly string[]> {
  const partsOf = async (name: string) => {
    const output = await ask("apt-cache", [...preferring(suite), "depends", "--important", name]);
    return [...output.matchAll(/^\s*Depends: (\S+)$/gm)]
      .map(([, each = ""]) => each)
      .filter((each) => kernelPart.test(each));
  };
  const [image] = await partsOf(meta);
  if (image === undefined) throw new Error(`expected a kernel that ${meta} depends on, found none`);
  return [image, ...(await partsOf(image))];
}

/** Downloads the packages that the cache does not have, all at once, and returns the paths of all. */
async function download(
  packages: readonly DebianPackage[],
  { apt }: PackageLists,
  { cacheDirectory, log }: DebianOptions,
): Promise<readonly string[]> {
  const place = (debian: DebianPackage) => `deb-${keyOf([debian.file, debian.hash])}`;
  const missing = packages.filter((debian) => !existsSync(join(cacheDirectory, place(debian))));
  if (missing.length > 0)
    await inScratch(async (scratch) => {
      const wanted = missing.map((debian) => `${debian.name}=${versionOf(debian)}`);
      log("info", "downloading Debian packages", { packages: missing.map(({ name }) => name) });
      await apt("apt-get", ["-q", "download", ...wanted], { cwd: scratch }).catch((cause: unknown) => {
        throw new Error(
          `cannot download ${wanted.join(" ")}; check that Debian's mirror can be reached, or ${renewPackages}`,
          { cause },
        );
      });
      const found = new Map((await readdir(scratch)).map((file) => [decodeURIComponent(file), file]));
      for (const debian of missing) {
        const path = join(scratch, found.get(decodeURIComponent(debian.file)) ?? debian.file);
        await verify(debian, path);
        await cached(cacheDirectory, place(debian), (draft) => copyFile(path, join(draft, debian.file)));
      }
    });
  return packages.map((debian) => join(cacheDirectory, place(debian), debian.file));
}

/** Reads lines such as 'http://…/busybox_1.35.0-4_amd64.deb' busybox_1%3a1.35.0-4_amd64.deb 452000 SHA256:…. */
function readUris(output: string): readonly DebianPackage[] {
  const lines = output.matchAll(/^'[^']+' (([^_ ]+)_\S+\.deb) \d+ (\S+)$/gm);
  return [...lines].map(([, file = "", name = "", hash = ""]) => ({ name, file, hash }));
}

/** The version in the name of a package's file, e.g. 1:1.35.0-4. */
export function versionOf({ file }: Pick<DebianPackage, "file">): string {
  return decodeURIComponent(file).split("_")[1] ?? "";
}

/** Debian may have another file under the same name only by a fault, but the lock file's hash decides. */
async function verify({ name, hash }: DebianPackage, path: string): Promise<void> {
  const [algorithm = "", expected] = hash.split(":");
  const found = createHash(algorithm.toLowerCase())
    .update(await readFile(path))
    .digest("hex");
  if (found !== expected) throw new Error(`${name}: expected a file with ${hash}, found ${algorithm}:${found}`);
}

/** Identifies a set of packages at their versions. */
export function packagesKey(packages: readonly DebianPackage[]): string {
  return keyOf(packages.flatMap(({ file, hash }) => [file, hash]));
}
