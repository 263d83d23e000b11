import type { DebianSource } from "./debian/source.ts";

/** A piece of native code that Birther ships or runs, for docs/bootstrap-image.md and the bills of materials. */
export type NativePiece = {
  readonly name: string;
  readonly version: string;
  /** Where it comes from, and what vouches for it. */
  readonly from: "Debian 13, source" | "Debian 13, package" | "Debian 12, package" | "npm";
  /** The Debian or npm package. */
  readonly package: string;
};

/** The JavaScript engine of init and birther-agent (docs/decisions/javascript-engine.md). */
export const quickjsSource: DebianSource = { name: "quickjs", version: "2025.04.26-1", release: "trixie" };
/** TLS and SHA-256 of init and birther-agent. */
export const mbedtlsSource: DebianSource = { name: "mbedtls", version: "3.6.6-0.1~deb13u1", release: "trixie" };
/** Encrypts disks, in the image and in the initrd of installed machines (docs/decisions/cryptsetup-with-nettle.md). */
export const cryptsetupSource: DebianSource = { name: "cryptsetup", version: "2:2.7.5-2", release: "trixie" };
/** Of it only libdm, which cryptsetup calls the device mapper with. */
export const lvm2Source: DebianSource = { name: "lvm2", version: "2.03.31-2", release: "trixie" };

/**
 * Versions of all native pieces. Sources are pinned here, and a build takes exactly these. Packages are
 * those of the default suite: what is listed is the version that the release carries, with the fixes that Debian adds to it.
 */
export const nativePieces: readonly NativePiece[] = [
  { name: "QuickJS", version: quickjsSource.version, from: "Debian 13, source", package: quickjsSource.name },
  { name: "mbed TLS", version: mbedtlsSource.version, from: "Debian 13, source", package: mbedtlsSource.name },
  { name: "cryptsetup", version: cryptsetupSource.version, from: "Debian 13, source", package: cryptsetupSource.name },
  { name: "libdm", version: lvm2Source.version, from: "Debian 13, source", package: lvm2Source.name },
  { name: "OpenSSL", version: "3.0", from: "Debian 12, package", package: "libssl-dev" },
  { name: "Linux", version: "6.12", from: "Debian 13, package", package: "linux-image-amd64" },
  { name: "busybox", version: "1.37.0", from: "Debian 13, package", package: "busybox" },
  { name: "GRUB", version: "2.12", from: "Debian 13, package", package: "grub-common" },
  { name: "koffi", version: "3.3.4", from: "npm", package: "koffi" },
];
