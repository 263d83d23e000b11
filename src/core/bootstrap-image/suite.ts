/**
 * Where the Bootstrap Image's kernel, tools and boot loaders come from: a Debian release, or Debian 13 with the newer kernel
 * of its backports. The first one is the default.
 */
export const bootstrapSuites = ["bookworm", "trixie", "trixie-backports"] as const;

export type BootstrapSuite = (typeof bootstrapSuites)[number];

export const defaultSuite: BootstrapSuite = bootstrapSuites[0];
