import type { MachineArchitecture } from "../machine/architecture.ts";

/**
 * Where the Bootstrap Image's kernel, tools and boot loaders come from: a Debian release, or Debian 13 with the newer kernel
 * of its backports. The first one is the default.
 */
export const bootstrapSuites = ["bookworm", "trixie", "trixie-backports"] as const;

export type BootstrapSuite = (typeof bootstrapSuites)[number];

export const defaultSuite: BootstrapSuite = bootstrapSuites[0];

/** The suites that an architecture's image can be made of, its default first: Debian 12 has no iPXE for arm64. */
export const suitesFor: { readonly [A in MachineArchitecture]: readonly BootstrapSuite[] } = {
  amd64: bootstrapSuites,
  arm64: ["trixie", "trixie-backports"],
};
