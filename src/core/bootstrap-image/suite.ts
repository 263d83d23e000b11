import type { MachineArchitecture } from "../machine/architecture.ts";

/**
 * Where the Bootstrap Image's kernel, tools and boot loaders come from: a Debian release, or Debian 13 with the newer kernel
 * of its backports. The first one is the default.
 */
export const bootstrapSuites = ["trixie", "trixie-backports", "bookworm"] as const;

export type BootstrapSuite = (typeof bootstrapSuites)[number];

export const defaultSuite: BootstrapSuite = bootstrapSuites[0];

/** The suites that an architecture's image can be made of, its default first: Debian 12 has no iPXE for arm64. */
export const suitesFor: { readonly [A in MachineArchitecture]: readonly BootstrapSuite[] } = {
  amd64: bootstrapSuites,
  arm64: ["trixie", "trixie-backports"],
};

/**
 * The suite of a build: the one that was asked for, else that of the build before, else the default. `stays` says that nothing
 * was asked for and a first build would take the default instead: a new default moves no existing installation. Throws for a
 * suite that the architecture's image cannot be made of.
 */
export function chooseSuite(
  architecture: MachineArchitecture,
  asked: BootstrapSuite | undefined,
  last: BootstrapSuite | undefined,
): { readonly name: BootstrapSuite; readonly stays: boolean } {
  const suites = suitesFor[architecture];
  const fresh = suites[0] ?? defaultSuite;
  const name = asked ?? last ?? fresh;
  if (!suites.includes(name))
    throw new Error(`Bootstrap Image for ${architecture}: expected the suite ${suites.join(" or ")}, found ${name}`);
  return { name, stays: asked === undefined && name !== fresh };
}
