import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AgentFileName, agentFiles } from "../core/agent/version.ts";
import type { FirmwareFamilyName } from "../core/bootstrap-image/firmware-families.ts";
import { defaultProfile, type ImageProfile } from "../core/bootstrap-image/image-profile.ts";
import type { BootstrapSuite } from "../core/bootstrap-image/suite.ts";
import { type CpioEntry, writeCpio } from "../core/bytes/cpio.ts";
import { defaultArchitecture, type MachineArchitecture } from "../core/machine/architecture.ts";
import type { Log } from "../core/ports.ts";
import { compressedArchive, type PackedArchive } from "./archive.ts";
import { cached, keyOf } from "./cached.ts";
import { fileComponent, type Component as ImageComponent, moduleComponent } from "./components.ts";
import { type Debian, type DebianPackage, packagesKey, type ReleasePackages, versionOf } from "./debian/packages.ts";
import {
  debianReleases,
  grubProgramPackages,
  measuringLoaderPackages,
  suites,
  systemPackages,
} from "./debian/releases.ts";
import { buildFirmwareArchive, writeFirmwareArchive } from "./firmware-archive.ts";
import { type DriverFamily, familiesOf } from "./kernel/driver-families.ts";
import { indexEntry } from "./kernel/firmware.ts";
import { fetchKernel, type Kernel } from "./kernel/kernel.ts";
import { servedKernel } from "./kernel/served-kernel.ts";
import { arm64GrubEntries, diskGrub, grubEntries, measuringGrub } from "./loader/grub.ts";
import { bundleForQuickJs, bundleInputs } from "./program/bundle.ts";
import {
  buildCryptsetup,
  crossBuildPackages,
  cryptsetupBuildPackages,
  fetchCryptsetupSources,
} from "./program/cryptsetup/build.ts";
import { buildNative, crossBuildNative, fetchNativeSources } from "./program/native.ts";
import { systemRoot } from "./program/system-root.ts";
import { toolEntries } from "./program/tools.ts";
import { billOfMaterials, debianComponent, installedComponent, npmComponents, sourceComponent } from "./sbom.ts";
import { type SecureBootKey, signEfi } from "./secure-boot/sign.ts";
import { makeSignedImage } from "./secure-boot/signed-image.ts";
import { targets } from "./target.ts";

/** The result of a build. Sizes are bytes on the wire. */
export type BootstrapImage = {
  readonly suite: BootstrapSuite;
  readonly architecture: MachineArchitecture;
  readonly profile: ImageProfile;
  /** The versions of GRUB that machines start their disk with; `measuring` for the site's own key and for sealed disk keys. */
  readonly grub: { readonly own: string; readonly measuring?: string };
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
  readonly totalBytes: number;
  /** What the image consists of; their bytes add up to `totalBytes`. */
  readonly components: readonly ImageComponent[];
  readonly kernelVersion: string;
  readonly families: readonly DriverFamily[];
  /** The second archive with the firmware of network cards; its bytes are not in `totalBytes`. Absent without families. */
  readonly firmware?: {
    readonly families: readonly FirmwareFamilyName[];
    readonly bytes: number;
    readonly components: readonly ImageComponent[];
  };
  /** Firmware files that the drivers may request and that are not in the image, by module. */
  readonly firmwareLeftOut: Kernel["firmware"];
};

export type BuildOptions = {
  /** Where kernel, tools and boot loaders come from. */
  readonly debian: Debian;
  /** Downloads and finished parts; safe to delete at any time. */
  readonly cacheDirectory: string;
  /** Which machines it has drivers for; the default if it is not said. */
  readonly profile?: ImageProfile;
  /** Families of network cards whose firmware goes into the second archive; none if it is not said. */
  readonly firmware?: readonly FirmwareFamilyName[];
  /** Receives vmlinuz, initramfs.img, firmware.img, the signed image and the bill of materials, and in `agent` the agent's files. */
  readonly outputDirectory: string;
  /** The only certificates that machines will trust. */
  readonly caPem: string;
  /** Signs the image, and the boot loader in it; without a key no signed image is made. */
  readonly secureBootKey?: SecureBootKey;
  readonly log: Log;
};

/** The image as one signed EFI program, beside kernel and initramfs. */
export const signedImageName = "birther.efi";

/** The second archive, beside kernel and initramfs. */
const firmwareName = "firmware.img";

/** The image's bill of materials (CycloneDX 1.5), beside kernel and initramfs. */
export const sbomFile = "bootstrap-image.cdx.json";

const agentScript = "usr/lib/birther/agent.js";

/** Our scripts: entry below src/init → path in the image. */
const scripts = [
  { entry: "main.ts", path: "usr/lib/birther/init.js" },
  { entry: "watchdog/watchdog.ts", path: "usr/lib/birther/watchdog.js" },
  { entry: "agent/main.ts", path: agentScript },
] as const;

const mountPoints = ["dev", "mnt", "proc", "run", "sys"] as const;

/** The directory in which the packages are unpacked. */
function treeOf(packages: readonly DebianPackage[], from: ReleasePackages, cacheDirectory: string): Promise<string> {
  return cached(cacheDirectory, `tree-${packagesKey(packages)}`, (draft) => from.unpack(packages, draft));
}

/** What comes from Debian's packages, without the kernel: of the suite, and of the release that has the measuring loaders. */
type Packages = {
  readonly system: readonly DebianPackage[];
  /** Of the measuring boot loaders; none for another architecture than the default. */
  readonly loaders: readonly DebianPackage[];
  /** What cryptsetup is built with, and for another architecture the native program. */
  readonly build: readonly DebianPackage[];
  /** grub-mkimage for the building computer; among `system` if that has the same architecture. */
  readonly host: readonly DebianPackage[];
};

async function resolvePackages({ debian, log }: BuildOptions): Promise<Packages> {
  const { architecture, measuringLoaders: from } = debian;
  const system = await debian.resolve(systemPackages(suites[debian.suite].release, architecture));
  if (architecture !== defaultArchitecture) {
    const build = await debian.resolve([...cryptsetupBuildPackages, ...crossBuildPackages]);
    return { system, loaders: [], build, host: await debian.host.resolve(grubProgramPackages) };
  }
  const loaders = await from.resolve(measuringLoaderPackages);
  const { title } = debianReleases[from.release];
  log("info", "boot loaders for the site's own key and for sealed disk keys", { from: title, grub: grubIn(loaders) });
  return { system, loaders, build: await debian.resolve(cryptsetupBuildPackages), host: [] };
}

/** The version of GRUB among packages. */
function grubIn(packages: readonly DebianPackage[]): string {
  const grub = packages.find(({ name }) => /^grub-efi-.*-bin$/.test(name));
  return grub === undefined ? "none" : versionOf(grub);
}

/** The unpacked packages that the measuring boot loaders are made of. */
function loaderTree({ loaders }: Packages, { debian, cacheDirectory }: BuildOptions): Promise<string> {
  return treeOf(loaders, debian.measuringLoaders, cacheDirectory);
}

/** The part that comes from Debian's packages, without the kernel: programs, libraries, boot loaders. */
async function systemEntries(packages: Packages, options: BuildOptions): Promise<readonly CpioEntry[]> {
  const tree = await treeOf(packages.system, options.debian, options.cacheDirectory);
  const { debian, cacheDirectory } = options;
  const target = targets[debian.architecture];
  const root = await systemRoot(packages.build, debian, { target, cacheDirectory });
  const built = new Map([["usr/sbin/cryptsetup", await buildCryptsetup(root, options)]]);
  return [
    ...mountPoints.map((path): CpioEntry => ({ kind: "directory", path, mode: 0o755 })),
    { kind: "directory", path: "tmp", mode: 0o1777 },
    // The kernel opens the console for PID 1 before PID 1 can mount a devtmpfs.
    { kind: "characterDevice", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { kind: "characterDevice", path: "dev/null", mode: 0o666, major: 1, minor: 3 },
    ...(await toolEntries({ tree, target }, built)),
    ...(await diskLoaderEntries(tree, packages, options)),
  ];
}

/** The boot loaders for disks. */
async function diskLoaderEntries(
  tree: string,
  packages: Packages,
  options: BuildOptions,
): Promise<readonly CpioEntry[]> {
  const { debian, cacheDirectory } = options;
  if (debian.architecture === defaultArchitecture)
    return [...(await grubEntries(tree)), await measuringGrub(await loaderTree(packages, options))];
  const program = await treeOf(packages.host, debian.host, cacheDirectory);
  return await arm64GrubEntries({ modules: tree, program });
}

/** What changes with our code: the native program, and the scripts by their path in the image. */
type Programs = { readonly native: Uint8Array; readonly scripts: ReadonlyMap<string, Uint8Array> };

/** Builds them. Throws when a script is missing. */
async function buildPrograms(packages: Packages, { debian, cacheDirectory, log }: BuildOptions): Promise<Programs> {
  const target = targets[debian.architecture];
  const context = { cacheDirectory, log };
  const isOwn = target.architecture === defaultArchitecture;
  const cross = () => systemRoot(packages.build, debian, { target, cacheDirectory });
  const native = await readFile(await (isOwn ? buildNative(context) : crossBuildNative(context, await cross())));
  const built = new Map<string, Uint8Array>();
  for (const { entry, path } of scripts)
    built.set(path, await bundleForQuickJs({ entry: join(import.meta.dirname, "../init", entry) }));
  return { native, scripts: built };
}

function programEntries({ native, scripts }: Programs): readonly CpioEntry[] {
  return [
    { kind: "file", path: "init", mode: 0o755, bytes: native },
    { kind: "link", path: "usr/lib/birther/birther-js", target: "/init" },
    ...[...scripts].map(([path, bytes]): CpioEntry => ({ kind: "file", path, mode: 0o644, bytes })),
  ];
}

/** Writes the agent of this image as files, which machines are upgraded to. */
async function writeAgent({ native, scripts }: Programs, directory: string): Promise<void> {
  const script = scripts.get(agentScript);
  if (script === undefined) throw new Error(`the Bootstrap Image has no ${agentScript}`);
  const contents: { readonly [name in AgentFileName]: Uint8Array } = { "birther-js": native, "agent.js": script };
  await mkdir(directory, { recursive: true });
  for (const { name } of agentFiles) await writeWhole(join(directory, name), contents[name]);
}

/** The bill of materials: Debian's packages, the sources of the native program, and what the scripts contain. */
async function describeImage(packages: readonly DebianPackage[], options: BuildOptions): Promise<string> {
  const inputs = await Promise.all(
    scripts.map(({ entry }) => bundleInputs({ entry: join(import.meta.dirname, "../init", entry) })),
  );
  const sources = { ...(await fetchNativeSources(options)), ...(await fetchCryptsetupSources(options)) };
  return billOfMaterials("birther-bootstrap-image", [
    ...packages.map(debianComponent),
    ...Object.values(sources).map(sourceComponent),
    // For another architecture, the native program is linked with those among `packages`.
    ...(options.debian.architecture === defaultArchitecture
      ? [await installedComponent("libc6-dev"), await installedComponent("libssl-dev")]
      : []),
    ...(await npmComponents(inputs.flat())),
  ]);
}

/** Each package once: cryptsetup is built with some of the image, and the measuring loaders may be of the same release. */
function allOf(kernel: Kernel, { system, loaders, build, host }: Packages): readonly DebianPackage[] {
  const all = [...kernel.packages, ...system, ...loaders, ...build, ...host];
  return [...new Map(all.map((each) => [each.file, each])).values()];
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

/**
 * The boot loader for disks with the signature of the site's key: it replaces the one of the system part. It is signed once,
 * so that the initramfs stays the same.
 */
async function signedLoaderEntries(packages: Packages, options: BuildOptions): Promise<readonly CpioEntry[]> {
  const { debian, secureBootKey, cacheDirectory } = options;
  if (secureBootKey === undefined || debian.architecture !== defaultArchitecture) return [];
  const { path, bytes } = await diskGrub(await loaderTree(packages, options));
  const name = `signed-grub-${keyOf([await readFile(secureBootKey.certificate), bytes])}`;
  const directory = await cached(cacheDirectory, name, async (draft) =>
    writeFile(join(draft, "grub.efi"), await signEfi(bytes, secureBootKey)),
  );
  return [{ kind: "file", path, mode: 0o644, bytes: await readFile(join(directory, "grub.efi")) }];
}

/** Writes the signed image, or removes that of a key that is gone. */
async function writeSignedImage(
  parts: { readonly kernel: Uint8Array; readonly initramfs: Uint8Array },
  options: BuildOptions,
): Promise<void> {
  const { debian, outputDirectory, secureBootKey } = options;
  const path = join(outputDirectory, signedImageName);
  if (secureBootKey === undefined || debian.architecture !== defaultArchitecture) {
    await rm(path, { force: true });
    return;
  }
  const image = await makeSignedImage(parts, options);
  await writeWhole(path, await signEfi(image, secureBootKey));
}

/** The parts of the initramfs in the order in which the kernel unpacks them. */
async function initramfsParts(
  of: { readonly kernel: Kernel; readonly packages: Packages; readonly programs: Programs },
  options: BuildOptions,
): Promise<readonly PackedArchive[]> {
  const target = targets[options.debian.architecture];
  const system = await systemEntries(of.packages, options);
  const signed = await signedLoaderEntries(of.packages, options);
  const plans = [
    {
      name: "modules",
      entries: [...of.kernel.moduleEntries, indexEntry(of.kernel, [])],
      linkedCode: false,
      componentOf: moduleComponent,
    },
    { name: "system", entries: system, linkedCode: true, componentOf: fileComponent },
    { name: "programs", entries: programEntries(of.programs), linkedCode: true, componentOf: fileComponent },
    ...(signed.length === 0
      ? []
      : [{ name: "signed-loader", entries: signed, linkedCode: true, componentOf: fileComponent }]),
  ] as const;
  const packed: PackedArchive[] = [];
  for (const plan of plans) packed.push(await compressedArchive(plan, { ...options, target }));
  const ca: CpioEntry = { kind: "file", path: "etc/birther/ca.pem", mode: 0o644, bytes: Buffer.from(options.caPem) };
  const bytes = Buffer.from(writeCpio([ca]));
  return [...packed, { bytes, components: [{ part: "CA file", name: "ca.pem", bytes: bytes.length }] }];
}

/**
 * Builds kernel and initramfs. The initramfs consists of several concatenated archives, as the kernel allows
 * (driver-api/early-userspace/buffer-format), so that a change recompresses only its own part: modules, system,
 * programs, with a key for Secure Boot the signed loader, and the CA file of this installation. The firmware of network
 * cards is a second file, which loaders hand to the kernel after the initramfs; in the signed image it is behind it.
 */
export async function buildBootstrapImage(options: BuildOptions): Promise<BootstrapImage> {
  const { debian, cacheDirectory, outputDirectory, profile = defaultProfile, firmware: families = [] } = options;
  const kernel = await fetchKernel(options);
  const packages = await resolvePackages(options);
  const programs = await buildPrograms(packages, options);
  const parts = await initramfsParts({ kernel, packages, programs }, options);
  const initramfs = Buffer.concat(parts.map(({ bytes }) => bytes));
  const firmware = await buildFirmwareArchive(kernel, families, options);
  const { architecture } = debian;
  const kernelBytes = await servedKernel(await readFile(kernel.path), { architecture, cacheDirectory });
  await mkdir(outputDirectory, { recursive: true });
  const kernelPath = join(outputDirectory, "vmlinuz");
  const initramfsPath = join(outputDirectory, "initramfs.img");
  await writeWhole(kernelPath, kernelBytes);
  await writeWhole(initramfsPath, initramfs);
  await writeFirmwareArchive(join(outputDirectory, firmwareName), firmware);
  const whole = firmware === undefined ? initramfs : Buffer.concat([initramfs, firmware.bytes]);
  await writeSignedImage({ kernel: kernelBytes, initramfs: whole }, options);
  await writeAgent(programs, join(outputDirectory, "agent"));
  const all = [...allOf(kernel, packages), ...(firmware?.packages ?? [])];
  await writeWhole(join(outputDirectory, sbomFile), Buffer.from(await describeImage(all, options)));
  return {
    suite: debian.suite,
    ...{ architecture, profile },
    grub: {
      own: grubIn(packages.system),
      ...(packages.loaders.length === 0 ? {} : { measuring: grubIn(packages.loaders) }),
    },
    kernelPath,
    initramfsPath,
    kernelBytes: kernelBytes.length,
    initramfsBytes: initramfs.length,
    totalBytes: kernelBytes.length + initramfs.length,
    components: [
      { part: "kernel", name: "vmlinuz", bytes: kernelBytes.length },
      ...parts.flatMap(({ components }) => components),
    ],
    kernelVersion: kernel.version,
    families: familiesOf(debian.architecture, profile),
    ...(firmware === undefined
      ? {}
      : { firmware: { families, bytes: firmware.bytes.length, components: firmware.components } }),
    firmwareLeftOut: kernel.firmware,
  };
}
