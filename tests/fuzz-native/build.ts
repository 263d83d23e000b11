import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, keyOf } from "../../src/bootstrap-image/cached.ts";
import { runCommand } from "../../src/bootstrap-image/command.ts";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { type BuildContext, compilePart, readCode, type Toolchain } from "../../src/bootstrap-image/program/compile.ts";
import {
  fetchNativeSources,
  foreignParts,
  hostFlags,
  hostPart,
  libraries,
} from "../../src/bootstrap-image/program/native.ts";

const here = import.meta.dirname;
const clang: Toolchain = { compiler: "clang", flags: ["-O1", "-g", "-fsanitize=fuzzer-no-link,address"] };
/**
 * Our own code; QuickJS and mbed TLS do on purpose what this would report. Descriptors and flags that JavaScript gives as numbers
 * outside of int are refused by the kernel, whatever they become.
 */
const strict: Toolchain = {
  ...clang,
  flags: [
    ...clang.flags,
    ...["-fsanitize=undefined", "-fno-sanitize=float-cast-overflow", "-fno-sanitize-recover=undefined"],
  ],
};

/** Builds the harness with coverage in all native code and returns its path. */
export async function buildHarness(context: BuildContext): Promise<string> {
  const sources = await fetchNativeSources(context);
  const host = await hostPart(sources);
  // The harness includes host.c.
  const own = { ...host, files: host.files.filter((name) => name !== "host") };
  const objects: string[] = [];
  for (const part of await foreignParts(sources)) objects.push(...(await compilePart(part, clang, context)));
  objects.push(...(await compilePart(own, strict, context)));
  const harness = { name: "harness", directory: here, files: ["harness"], flags: hostFlags(sources) };
  const key = [...host.key, ...(await readCode(here))];
  objects.push(...(await compilePart({ ...harness, key }, strict, context)));
  const directory = await cached(context.cacheDirectory, `fuzz-native-${keyOf(objects)}`, async (draft) => {
    const program = join(draft, "harness");
    await runCommand(["clang", "-fsanitize=fuzzer,address,undefined", "-o", program, ...objects, ...libraries]);
  });
  return join(directory, "harness");
}

/** Bundles a target's script into `directory` and returns its path. */
export async function bundleTarget(name: string, directory: string): Promise<string> {
  const authority = JSON.stringify(await readFile(join(here, "authority.pem"), "utf8"));
  const entry = join(here, "targets", `${name}.ts`);
  const script = join(directory, `${name}.js`);
  await writeFile(script, await bundleForQuickJs({ entry, define: { AUTHORITY: authority } }));
  return script;
}
