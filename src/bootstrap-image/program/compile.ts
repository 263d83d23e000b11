import { mkdir, readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";
import type { Target } from "../target.ts";

/** The cache and the log of a build. */
export type BuildContext = { readonly cacheDirectory: string; readonly log: Log };

/** A C compiler and the flags that every file of a build gets. */
export type Toolchain = { readonly compiler: Target["compiler"] | "clang"; readonly flags: readonly string[] };

/** A set of C files that is compiled and cached as one. */
export type CodePart = {
  readonly name: string;
  readonly directory: string;
  /** Paths below `directory`, without `.c`. */
  readonly files: readonly string[];
  readonly flags: readonly string[];
  /** Flags of single files, after the others. */
  readonly flagsOf?: { readonly [file: string]: readonly string[] };
  /** What else the objects depend on. */
  readonly key: readonly (string | Uint8Array)[];
};

/** The contents of a directory's C files and headers, for a cache key. */
export async function readCode(directory: string): Promise<readonly Uint8Array[]> {
  const names = (await readdir(directory)).filter((name) => /\.[ch]$/.test(name)).sort();
  return Promise.all(names.map((name) => readFile(join(directory, name))));
}

/** Compiles a part unless the cache has it; the paths of its object files. Throws with the compiler's errors. */
export async function compilePart(
  part: CodePart,
  { compiler, flags }: Toolchain,
  { cacheDirectory, log }: BuildContext,
): Promise<readonly string[]> {
  const { name, directory, files, flagsOf = {} } = part;
  const all = [...flags, ...part.flags];
  const version = await runCommand([compiler, "--version"]);
  const key = keyOf([version, ...all, JSON.stringify(flagsOf), ...files, ...part.key]);
  const objects = await cached(cacheDirectory, `${name}-${key}`, async (draft) => {
    log("info", "compiling native code", { part: name, files: files.length });
    const waiting = [...files];
    const compileRest = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const [source, object] = [join(directory, `${file}.c`), join(draft, `${file}.o`)];
        await mkdir(dirname(object), { recursive: true });
        await runCommand([compiler, ...all, ...(flagsOf[file] ?? []), "-c", source, "-o", object]);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, compileRest));
  });
  return files.map((file) => join(objects, `${file}.o`));
}
