/** Debian packages that must be installed on the machine that builds the Bootstrap Image. */
export const hostPackages = [
  ...["gcc", "libc6-dev", "libssl-dev", "xz-utils", "dpkg", "apt"],
  // the sources of QuickJS and mbed TLS, and the key that signs them
  ...["dpkg-dev", "debian-archive-keyring"],
  // the signed image: objcopy and sbsign
  ...["binutils", "sbsigntool"],
] as const;
