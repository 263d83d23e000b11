import { join } from "node:path";
import { namedArchitectures } from "../core/machine/architecture.ts";

/** The paths of all files that the parts keep; each part receives only its own. */
export function pathsIn(stateDirectory: string) {
  const place = (name: string) => join(stateDirectory, name);
  return {
    database: place("mdb.sqlite"),
    /**
     * The lock of the server that runs here, for a database that is not in this directory and has no lock of its own.
     */
    lock: place("lock.sqlite"),
    /** The lock of the process that builds the Bootstrap Image. */
    buildLock: place("build-lock.sqlite"),
    /** Exists once a machine was served from here. */
    fleetMark: place("served-a-fleet"),
    pki: place("pki"),
    bootstrap: place("bootstrap"),
    kernel: place("bootstrap/vmlinuz"),
    initramfs: place("bootstrap/initramfs.img"),
    /** The second archive with firmware; only with firmware families. */
    firmware: place("bootstrap/firmware.img"),
    /** The files of the agent that this server hands out. */
    agent: place("bootstrap/agent"),
    /** The image as one signed program; only with a key in `secureBoot`. */
    signedImage: place("bootstrap/birther.efi"),
    /** The site's key for Secure Boot. */
    secureBoot: place("secure-boot"),
    /** iPXE, and the signed loaders. */
    loaders: place("bootstrap/loaders"),
    /** The same of other architectures. */
    others: namedArchitectures.map((architecture) => {
      const home = place(join("bootstrap", architecture));
      return {
        architecture,
        directory: home,
        kernel: join(home, "vmlinuz"),
        initramfs: join(home, "initramfs.img"),
        agent: join(home, "agent"),
        loaders: join(home, "loaders"),
        packageLock: join(home, "packages.lock.json"),
      };
    }),
    /** The Debian packages that the Bootstrap Image was built of. */
    packageLock: place("bootstrap/packages.lock.json"),
    objects: place("objects"),
    /** The contents of confidential images, by stream. */
    confidentialObjects: place("confidential-objects"),
    images: place("images"),
    /** Where nginx and the process behind it run. */
    origin: place("origin"),
    /** The same for confidential images. */
    confidentialOrigin: place("confidential-origin"),
    /** What other processes did to the files here, for the audit. */
    acts: place("acts"),
    /** The log lines of machines. */
    logs: place("logs"),
    operatorSocket: place("api.sock"),
  };
}

/** Downloads and finished parts of images, shared by all servers and commands; safe to delete at any time. */
export const cacheDirectory = process.env.BIRTHER_CACHE ?? "/var/cache/birther";
