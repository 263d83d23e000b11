import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";
import { fetchSource } from "../debian/source.ts";
import { mbedtlsSource, quickjsSource } from "../native-pieces.ts";
import { type BuildContext, type CodePart, compilePart, readCode, type Toolchain } from "./compile.ts";
import type { SystemRoot } from "./system-root.ts";

/** The directory of host.c and the other C files. */
export const hostSources = join(import.meta.dirname, "../../init");

/** Builds: what machines run; and for tests, with the compiler's checks of memory and undefined behaviour. */
export const nativeBuilds = ["shipped", "sanitized"] as const;
export type NativeBuild = (typeof nativeBuilds)[number];

/** Sections let the linker drop unused functions. */
const commonFlags = ["-D_GNU_SOURCE", "-ffunction-sections", "-fdata-sections"] as const;
/** As upstream builds it: the interpreter expects signed overflow to wrap. */
const quickjsFlags = [...commonFlags, "-w", "-fwrapv", `-DCONFIG_VERSION="${quickjsSource.version}"`] as const;
const quickjsFiles = ["quickjs", "libregexp", "libunicode", "dtoa", "cutils", "quickjs-libc"] as const;
const warnings = ["-Wall", "-Wextra"] as const;

const toolchains: { readonly [build in NativeBuild]: Toolchain & { readonly link: readonly string[] } } = {
  shipped: {
    compiler: "gcc",
    // The file travels to every machine.
    flags: ["-Os"],
    // Static, so that the same file runs in the initramfs and in any image.
    link: ["-static", "-s", "-Wl,--gc-sections"],
  },
  sanitized: {
    compiler: "gcc",
    flags: ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address"],
    link: ["-fsanitize=address,undefined"],
  },
};
/** For our own files only: QuickJS and mbed TLS call functions by pointers of other types on purpose. */
const ownChecks: { readonly [build in NativeBuild]: readonly string[] } = {
  shipped: [],
  sanitized: ["-fsanitize=undefined", "-fno-sanitize-recover=undefined"],
};

/** The sources of QuickJS and mbed TLS, fetched unless the cache has them. */
export async function fetchNativeSources(context: BuildContext) {
  return {
    quickjs: await fetchSource(quickjsSource, context),
    mbedtls: await fetchSource(mbedtlsSource, context),
  };
}
export type NativeSources = Awaited<ReturnType<typeof fetchNativeSources>>;

/** Flags for our own C files; the tests add -Werror. */
export function hostFlags({ quickjs, mbedtls }: NativeSources): readonly string[] {
  const headers = ["-I", hostSources, "-isystem", quickjs.directory, "-isystem", join(mbedtls.directory, "include")];
  return [...commonFlags, ...warnings, ...headers];
}

/** QuickJS and mbed TLS: what changes only with `native-pieces.ts`. */
export async function foreignParts({ quickjs, mbedtls }: NativeSources): Promise<readonly CodePart[]> {
  const library = join(mbedtls.directory, "library");
  const mbedtlsFiles = (await readdir(library)).filter((name) => name.endsWith(".c")).sort();
  return [
    {
      name: "quickjs",
      directory: quickjs.directory,
      files: quickjsFiles,
      flags: quickjsFlags,
      key: [quickjs.version],
    },
    {
      name: "mbedtls",
      directory: library,
      files: mbedtlsFiles.map((name) => name.replace(/\.c$/, "")),
      flags: [...commonFlags, "-w", "-I", join(mbedtls.directory, "include"), "-I", library],
      // A scan hashes the whole system: a fifth faster for 1 KB.
      flagsOf: { sha512: ["-O2"] },
      key: [mbedtls.version],
    },
  ];
}

/**
 * The static library that SHA-512 comes from, as Debian compiled it: four of its object files end up in the program
 * (docs/decisions/sha-512.md).
 */
export const sha512Library = "libcrypto.a";

/** The library's bytes, for a cache key. Throws if it is not installed. */
async function readLibrary(compiler: string, link: readonly string[]): Promise<Uint8Array> {
  const path = (await runCommand([compiler, ...link, `-print-file-name=${sha512Library}`])).toString().trim();
  if (path === sha512Library)
    throw new Error(
      `${sha512Library}: expected the one of Debian's libssl-dev, found none; apt-get install libssl-dev`,
    );
  return readFile(path);
}

/** The libraries that the program is linked with. */
export const libraries = ["-lm", "-lpthread", `-l:${sha512Library}`] as const;

/** The C files of the module `host`. */
export async function hostPart(sources: NativeSources): Promise<CodePart> {
  const files = (await readdir(hostSources)).filter((name) => name.endsWith(".c")).sort();
  return {
    name: "host",
    directory: hostSources,
    files: files.map((name) => name.replace(/\.c$/, "")),
    flags: hostFlags(sources),
    key: [sources.quickjs.version, sources.mbedtls.version, ...(await readCode(hostSources))],
  };
}

/**
 * Builds the native program `birther-js` (QuickJS, mbed TLS, OpenSSL's SHA-512 and the module `host`) and returns its path. Each part is
 * cached: a change of host.c costs two seconds instead of a minute.
 */
export function buildNative(context: BuildContext, build: NativeBuild = "shipped"): Promise<string> {
  return buildWith(toolchains[build], ownChecks[build], context);
}

/** Builds it for another architecture, with headers and static libraries of unpacked packages. */
export function crossBuildNative(context: BuildContext, root: SystemRoot): Promise<string> {
  const { flags, link } = toolchains.shipped;
  const { compiler, compile, find } = root;
  return buildWith({ compiler, flags: [...flags, ...compile], link: [...find, ...link] }, [], context);
}

async function buildWith(
  { compiler, flags, link }: Toolchain & { readonly link: readonly string[] },
  checks: readonly string[],
  context: BuildContext,
): Promise<string> {
  const sources = await fetchNativeSources(context);
  const objects: string[] = [];
  for (const part of await foreignParts(sources))
    objects.push(...(await compilePart(part, { compiler, flags }, context)));
  const own = [...flags, ...checks];
  objects.push(...(await compilePart(await hostPart(sources), { compiler, flags: own }, context)));
  const key = keyOf([...objects, ...link, ...libraries, await readLibrary(compiler, link)]);
  const directory = await cached(context.cacheDirectory, `native-${key}`, async (draft) => {
    await runCommand([compiler, ...link, "-o", join(draft, "birther-js"), ...objects, ...libraries]);
  });
  return join(directory, "birther-js");
}
