import { readFile, rename, writeFile } from "node:fs/promises";
import * as v from "valibot";
import { defaultProfile, imageProfiles } from "../../core/bootstrap-image/image-profile.ts";
import { bootstrapSuites } from "../../core/bootstrap-image/suite.ts";
import { errorCode } from "../../core/error-code.ts";
import { defaultArchitecture, machineArchitectures } from "../../core/machine/architecture.ts";

const packages = v.array(
  v.object({ name: v.string(), file: v.string(), hash: v.pipe(v.string(), v.regex(/^SHA\d+:[0-9a-f]+$/)) }),
);

/** The packages that a Bootstrap Image was built of. */
const schema = v.object({
  suite: v.picklist(bootstrapSuites),
  architecture: v.optional(v.picklist(machineArchitectures), defaultArchitecture),
  /** Absent in lock files of versions that knew only the default. */
  profile: v.optional(v.picklist(imageProfiles), defaultProfile),
  /** The names of the kernel's packages, which change with each version. */
  kernel: v.pipe(v.array(v.string()), v.readonly()),
  packages,
  /** Those for the building computer, whose programs make files for another architecture. */
  host: v.optional(packages),
  /** Those of the measuring boot loaders, where they are of another release. */
  loaders: v.optional(v.object({ release: v.string(), packages })),
  /** The families of the second archive, and Debian's packages of their firmware. */
  firmware: v.optional(v.object({ families: v.array(v.string()), packages })),
});

export type PackageLock = v.InferOutput<typeof schema>;

/** Reads a lock file; undefined if there is none. Throws if it cannot be read as one. */
export async function readLock(path: string): Promise<PackageLock | undefined> {
  try {
    return v.parse(schema, JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    const next = "restore it, or take today's packages: birther image build --renew";
    throw new Error(
      `${path}: expected the lock file of the Bootstrap Image's packages, found something else; ${next}`,
      { cause },
    );
  }
}

/** Reads a lock file for a renewal, which replaces it: one that cannot be read counts as none. */
export async function readLockToRenew(path: string): Promise<PackageLock | undefined> {
  return await readLock(path).catch(() => undefined);
}

/** Writes a lock file as a whole. */
export async function writeLock(path: string, lock: PackageLock): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(lock, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
}
