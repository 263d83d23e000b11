import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, keyOf } from "../../cached.ts";
import { runCommand } from "../../command.ts";
import { fetchSource, type UnpackedSource } from "../../debian/source.ts";
import { cryptsetupSource, lvm2Source } from "../../native-pieces.ts";
import { type BuildContext, type CodePart, compilePart, type Toolchain } from "../compile.ts";
import type { SystemRoot } from "../system-root.ts";

/** Also for the native program, where it is for another architecture: OpenSSL's SHA-512. */
export const crossBuildPackages = ["libssl-dev"] as const;

/**
 * Headers and static libraries that cryptsetup is made with, of the image's own release. `libblkid1` and `libc6` are in the
 * image already and stay shared. They are unpacked, never installed.
 */
export const cryptsetupBuildPackages = [
  ...["libc6", "libc6-dev", "linux-libc-dev", "libblkid1", "libblkid-dev"],
  ...["libjson-c-dev", "libpopt-dev", "nettle-dev", "uuid-dev"],
] as const;

const commonFlags = ["-Os", "-D_GNU_SOURCE", "-ffunction-sections", "-fdata-sections", "-w"] as const;
/** A function without a prototype would get pointers cut to 32 bits. */
const strict = ["-Werror=implicit-function-declaration", "-Werror=int-conversion"] as const;

/** The part of LVM2 that talks to the kernel's device mapper, without its statistics and reports. */
const libdmFiles = [
  ...[
    "libdm-common",
    "libdm-config",
    "libdm-deptree",
    "libdm-file",
    "libdm-string",
    "libdm-targets",
    "libdm-timestamp",
  ],
  ...["datastruct/bitset", "datastruct/hash", "datastruct/list", "ioctl/libdm-iface", "mm/dbg_malloc", "mm/pool"],
] as const;

/** cryptsetup's own directories; of its programs only `cryptsetup`. */
const libraryDirectories = [
  ...[
    "lib",
    "lib/bitlk",
    "lib/crypto_backend",
    "lib/fvault2",
    "lib/integrity",
    "lib/loopaes",
    "lib/luks1",
    "lib/luks2",
  ],
  ...["lib/luks2/hw_opal", "lib/tcrypt", "lib/verity"],
] as const;
const programFiles = [
  ...["args", "blockdev", "luks", "password", "progress", "reencrypt", "reencrypt_luks1", "tools"].map(
    (name) => `src/utils_${name}`,
  ),
  "src/cryptsetup",
];
/** Other libraries' backends: Nettle's stays. */
const otherBackends = /crypto_(gcrypt|kernel|nss|openssl)\.c$/;

/** The sources of cryptsetup, fetched unless the cache has them. */
export async function fetchCryptsetupSources(context: BuildContext) {
  return { cryptsetup: await fetchSource(cryptsetupSource, context), lvm2: await fetchSource(lvm2Source, context) };
}

const ours = import.meta.dirname;
/** The upstream version in that of a Debian package, such as 2.7.5 of 2:2.7.5-2. */
const upstream = (version: string) => version.replace(/^\d+:/, "").replace(/-[^-]*$/, "");

async function cryptsetupPart(cryptsetup: UnpackedSource, lvm2: UnpackedSource): Promise<CodePart> {
  const { directory, version } = cryptsetup;
  const found: string[] = [];
  for (const folder of libraryDirectories)
    for (const name of (await readdir(join(directory, folder))).sort())
      if (name.endsWith(".c") && !otherBackends.test(name)) found.push(join(folder, name.replace(/\.c$/, "")));
  const headers = [
    directory,
    join(directory, "lib"),
    join(directory, "lib/crypto_backend"),
    join(lvm2.directory, "libdm"),
  ];
  const about = { PACKAGE: "cryptsetup", PACKAGE_NAME: "cryptsetup", PACKAGE_VERSION: upstream(version) };
  return {
    ...{ name: "cryptsetup", directory, files: [...found, ...programFiles] },
    flags: [
      ...["-include", join(ours, "config.h"), ...headers.flatMap((each) => ["-I", each])],
      ...Object.entries(about).map(([name, value]) => `-D${name}="${value}"`),
      `-DPACKAGE_STRING="cryptsetup ${upstream(version)}"`,
    ],
    key: [version, lvm2.version, await readFile(join(ours, "config.h"))],
  };
}

async function libdmPart({ directory, version }: UnpackedSource): Promise<CodePart> {
  const libdm = join(directory, "libdm");
  // Such as "1.02.205 (2025-02-27)".
  const [own = ""] = (await readFile(join(directory, "VERSION_DM"), "utf8")).split(/\s/);
  return {
    ...{ name: "libdm", directory: libdm, files: libdmFiles },
    flags: [
      ...["-include", join(ours, "libdm.h"), `-DDM_LIB_VERSION="${own}"`, '-DPACKAGE="libdevmapper"'],
      ...[libdm, join(libdm, "misc"), directory].flatMap((each) => ["-I", each]),
    ],
    key: [version, await readFile(join(ours, "libdm.h"))],
  };
}

/**
 * Builds cryptsetup with Nettle and returns its path. Debian's is linked with OpenSSL, of which it uses hashes only: 2.5 MB
 * of the compressed image, with what OpenSSL and a shared libdevmapper need themselves.
 */
export async function buildCryptsetup({ compiler, compile, find }: SystemRoot, context: BuildContext): Promise<string> {
  const toolchain: Toolchain = { compiler, flags: [...compile, ...commonFlags, ...strict] };
  const { cryptsetup, lvm2 } = await fetchCryptsetupSources(context);
  const objects = [
    ...(await compilePart(await cryptsetupPart(cryptsetup, lvm2), toolchain, context)),
    ...(await compilePart(await libdmPart(lvm2), toolchain, context)),
  ];
  const link = [
    ...find,
    ...["-s", "-Wl,--gc-sections", "-Wl,--as-needed", ...objects],
    ...["-l:libnettle.a", "-l:libjson-c.a", "-l:libpopt.a", "-l:libuuid.a", "-l:libblkid.so.1"],
  ];
  const directory = await cached(
    context.cacheDirectory,
    `cryptsetup-program-${keyOf([compiler, ...link])}`,
    async (draft) => {
      await runCommand([compiler, "-o", join(draft, "cryptsetup"), ...link]);
    },
  );
  return join(directory, "cryptsetup");
}
