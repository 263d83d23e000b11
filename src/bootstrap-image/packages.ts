/** Debian packages that must be installed on the machine that builds the Bootstrap Image. */
export const hostPackages = [
  ...["gcc", "libc6-dev", "xz-utils", "dpkg", "apt"],
  // the sources of QuickJS and mbed TLS, and the key that signs them
  ...["dpkg-dev", "debian-archive-keyring"],
  // the signed image: objcopy and sbsign
  ...["binutils", "sbsigntool"],
] as const;

/** Depends on the current versioned kernel package. */
export const kernelMetaPackage = "linux-image-amd64";

/**
 * Debian packages whose files go into the image, or that make files for it. They are downloaded and unpacked, never
 * installed, so that the image does not depend on other packages of the building machine.
 */
export const imagePackages = [
  // tools
  "busybox",
  "cryptsetup-bin",
  "dosfstools",
  "e2fsprogs",
  "fdisk",
  // libraries of the tools
  "libargon2-1",
  "libblkid1",
  "libc6",
  "libcom-err2",
  "libcryptsetup12",
  "libdevmapper1.02.1",
  "libext2fs2",
  "libfdisk1",
  "libjson-c5",
  "liblzma5",
  "libpcre2-8-0",
  "libpopt0",
  "libreadline8",
  "libselinux1",
  "libsmartcols1",
  "libssl3",
  "libtinfo6",
  "libudev1",
  "libuuid1",
  // boot loader of the installed machine
  "grub-common",
  "grub-efi-amd64-bin",
  "grub-pc-bin",
] as const;
