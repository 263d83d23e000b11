import { existsSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../cached.ts";
import { type DebianPackage, packagesKey, type ReleasePackages } from "../debian/packages.ts";
import type { Target } from "../target.ts";

/** Headers and libraries that programs are made with, in place of this computer's: flags to compile and to link. */
export type SystemRoot = {
  readonly compiler: Target["compiler"];
  readonly compile: readonly string[];
  /** Where the linker looks. */
  readonly find: readonly string[];
};

/** Unpacked packages as the root of a compiler: newer ones have only `/usr`, but linker scripts name `/lib`. */
export async function systemRoot(
  packages: readonly DebianPackage[],
  from: ReleasePackages,
  { target: { compiler, triplet }, cacheDirectory }: { readonly target: Target; readonly cacheDirectory: string },
): Promise<SystemRoot> {
  const root = await cached(cacheDirectory, `sysroot-${packagesKey(packages)}`, async (draft) => {
    await from.unpack(packages, draft);
    for (const name of ["lib", "lib64"])
      if (!existsSync(join(draft, name))) await symlink(`usr/${name}`, join(draft, name));
  });
  const libraries = ["usr/lib", "lib"].map((each) => join(root, each, triplet));
  return {
    compiler,
    compile: [`--sysroot=${root}`],
    // -L and -B: gcc looks into its own directories before those of another root.
    find: [`--sysroot=${root}`, ...libraries.flatMap((each) => [`-L${each}`, `-B${each}`])],
  };
}
