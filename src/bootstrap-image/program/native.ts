import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";

/** The directory of host.c and the other C files. */
export const hostSources = join(import.meta.dirname, "../../init");
const quickjsSources = join(
  dirname(createRequire(import.meta.url).resolve("qjsc/package.json")),
  "deps/quickjs_2021_03_27",
);
const quickjsFiles = ["quickjs", "libregexp", "libunicode", "libbf", "cutils", "quickjs-libc"] as const;

/** -Os, because the file travels to every machine. Sections let the linker drop unused functions. */
const commonFlags = ["-Os", "-D_GNU_SOURCE", "-ffunction-sections", "-fdata-sections"] as const;
/** CONFIG_BIGNUM enables BigInt in this version, so that code compiled as ES2020 also runs. */
const quickjsFlags = [...commonFlags, "-w", "-DCONFIG_BIGNUM", '-DCONFIG_VERSION="2021-03-27"'] as const;
/** Flags for our own C files; the tests add -Werror. */
export const hostFlags = [
  ...[...commonFlags, "-Wall", "-Wextra"],
  ...["-I", hostSources, "-isystem", quickjsSources],
] as const;
/**
 * Static against glibc, because Debian's mbedtls is built for it; the same file runs in the initramfs and in any image.
 */
const linkFlags = ["-static", "-s", "-Wl,--gc-sections"] as const;
const libraries = ["-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-lm", "-lpthread"] as const;

async function readAll(directory: string, accept: (name: string) => boolean): Promise<Uint8Array[]> {
  const names = (await readdir(directory)).filter(accept).sort();
  return Promise.all(names.map((name) => readFile(join(directory, name))));
}

async function compile(source: string, object: string, flags: readonly string[]): Promise<void> {
  await runCommand(["gcc", ...flags, "-c", source, "-o", object]);
}

/**
 * Builds the native program `birther-js` (QuickJS and the module `host`) and returns its path. QuickJS and our own
 * files are cached separately: a change of host.c costs two seconds instead of fifteen.
 */
export async function buildNative({ cacheDirectory, log }: { cacheDirectory: string; log: Log }): Promise<string> {
  const isSource = (name: string) => /\.[ch]$/.test(name);
  const compiler = await runCommand(["gcc", "--version"]);
  const mbedtls = await runCommand(["dpkg-query", "-W", "libmbedtls-dev", "libc6-dev"]);
  const engineKey = keyOf([compiler, ...quickjsFlags, ...(await readAll(quickjsSources, isSource))]);
  const engine = await cached(cacheDirectory, `quickjs-${engineKey}`, async (directory) => {
    log("info", "compiling QuickJS");
    await Promise.all(
      quickjsFiles.map((name) =>
        compile(join(quickjsSources, `${name}.c`), join(directory, `${name}.o`), quickjsFlags),
      ),
    );
  });
  const ownKey = keyOf([engineKey, mbedtls, ...hostFlags, ...linkFlags, ...(await readAll(hostSources, isSource))]);
  const own = await cached(cacheDirectory, `native-${ownKey}`, async (directory) => {
    log("info", "compiling the native module");
    const names = (await readdir(hostSources)).filter((name) => name.endsWith(".c"));
    await Promise.all(names.map((name) => compile(join(hostSources, name), join(directory, `${name}.o`), hostFlags)));
    const objects = [
      ...names.map((name) => join(directory, `${name}.o`)),
      ...quickjsFiles.map((name) => join(engine, `${name}.o`)),
    ];
    await runCommand(["gcc", ...linkFlags, "-o", join(directory, "birther-js"), ...objects, ...libraries]);
  });
  return join(own, "birther-js");
}
