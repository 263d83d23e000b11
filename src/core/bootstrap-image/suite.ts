/**
 * Where the Bootstrap Image's kernel, tools and boot loaders come from: a Debian release, or Debian 13 with the newer kernel
 * of its backports. The first one is the default, because it serves all machines: GRUB 2.12 of Debian 13 has the firmware verify the
 * kernel of a system image, and firmware that trusts only a key of the site's own refuses Debian's.
 */
export const bootstrapSuites = ["bookworm", "trixie", "trixie-backports"] as const;

export type BootstrapSuite = (typeof bootstrapSuites)[number];

export const defaultSuite: BootstrapSuite = bootstrapSuites[0];
